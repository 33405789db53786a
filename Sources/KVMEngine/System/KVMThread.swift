import CHost
import ExecutionEngine
import Synchronization

/// A vCPU of KVM's before it has an architecture: the shared page, entering the guest, and kicks.
///
/// A kick sets `immediate_exit` first and then interrupts the thread that runs the vCPU: a thread on its way into
/// the guest finds the one, a thread inside it is brought out by the other. The flag stays until a run has ended for
/// it, so that no kick is lost.
package final class KVMThread: @unchecked Sendable {
    package enum End: Equatable {
        /// The guest left, and the page says why.
        case exit(reason: UInt32)
        /// A kick, and nothing else.
        case kicked
        /// The kernel refused; an errno.
        case refused(Int32)
    }

    package let descriptor: Int32
    /// Belongs to whoever runs the vCPU, but for the request to leave.
    package let page: OpaquePointer
    private let pageSize: Int
    private let space: KVMSpace
    private var ring: KVMRing?
    /// Whoever makes a vCPU, or moves its pc, may have put the code there just now.
    var codeMayBeNew = true
    /// A debugger plants its breakpoints, and takes them away, without a word.
    var isDebugging = false
    /// The thread that runs it stays on one core, this one of the process's; nil when it needn't.
    var core: UInt32?
    /// The thread inside `run`; 0 for none.
    private let runner = Atomic<Int32>(0)

    package init(_ space: KVMSpace, id: Int) throws(EngineError) {
        let made = space.makeVCPU(id)
        guard made >= 0 else { throw .kvm("KVM makes no vCPU \(id)", -made) }
        var error: Int32 = 0
        guard let page = host_kvm_map_run(made, space.runSize, &error) else {
            host_close(made)
            throw .host("the page of vCPU \(id) can't be mapped", errno: error)
        }
        descriptor = made
        self.page = page
        pageSize = space.runSize
        self.space = space
        ring = nil
        if let size = space.ringSize { ring = try KVMRing(vcpu: made, size: size) }
    }

    deinit {
        host_kvm_unmap_run(page, pageSize)
        host_close(descriptor)
    }

    /// Runs guest code. An access that the last exit left open is completed first, even when a kick is waiting.
    package func run() -> End {
        if let core { host_thread_pin(core) }
        runner.store(host_kvm_accept_kicks(), ordering: .sequentiallyConsistent)
        defer { runner.store(0, ordering: .sequentiallyConsistent) }
        if codeMayBeNew || isDebugging {
            host_kvm_fence_code()
            codeMayBeNew = false
        }
        while true {
            let changes = space.changes
            let status = host_kvm_enter(descriptor)
            switch -status {
            case ..<1: return .exit(reason: host_kvm_exit_reason(page))
            case KVMError.interrupted:
                // Another signal, or a debugger's stop, is none of the machine's business.
                if host_kvm_take_exit_request(page) { return .kicked }
            case let error:
                // RISC-V's page fault of Linux 6.12 looks its slot up twice; a slot that goes in between makes EFAULT
                // of an access to no slot. And what only the kernel can do with a slot is refused while it moves. The
                // guest hasn't gone on, so it comes there again.
                guard space.hasChanged(since: changes) else { return .refused(error) }
            }
        }
    }

    /// See `VirtualCPU.takeDirtyPages`.
    package func takeDirtyPages() throws(EngineError) -> [DirtyPage] {
        guard let ring else { throw .unsupported("this machine's vCPUs have no rings of written pages") }
        let pages = ring.take()
        try space.resetRings()
        return pages
    }

    /// Makes the run of now, or else the next one, end with `.kicked`. Any thread.
    package func kick() {
        host_kvm_request_exit(page)
        let thread = runner.load(ordering: .sequentiallyConsistent)
        if thread != 0 { host_kvm_interrupt_thread(thread) }
    }
}
