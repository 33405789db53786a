import CHost
import ExecutionEngine
import GuestMemory
import KVMEngine

/// A vCPU of this x86-64 host's own /dev/kvm with a few bytes of 16-bit code at 0x1000, and RAM from 0 to 0x4000.
final class RealModeGuest {
    static let start: UInt64 = 0x1000
    /// Behind the RAM: accesses leave the guest.
    static let device: UInt64 = 0x8000

    let memory = GuestMemory()
    let space: KVMSpace
    let cpu: KVMThread

    /// Why there is no such guest here.
    static let obstacle: String? = {
        #if arch(x86_64)
        let descriptor = host_kvm_open()
        guard descriptor >= 0 else { return "/dev/kvm can't be opened here: \(String(cString: host_error_text(-descriptor)))" }
        defer { host_close(descriptor) }
        let machine = host_kvm_create_machine(descriptor)
        guard machine >= 0 else { return "/dev/kvm makes no machine here: \(String(cString: host_error_text(-machine)))" }
        host_close(machine)
        return nil
        #else
        return "the guests are x86 code"
        #endif
    }()

    /// Why there is none with a ring of written pages.
    static let ringObstacle: String? = {
        if let obstacle { return obstacle }
        let descriptor = host_kvm_open()
        defer { host_close(descriptor) }
        let capability = Int(HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL.rawValue)
        return host_kvm_capability(descriptor, capability) > 0 ? nil : "this host's KVM has no rings of written pages"
    }()

    /// `moreAt` is where a second slot lies.
    init(_ code: [UInt8], readOnlyAt: UInt64? = nil, moreAt: UInt64? = nil, moreSize: UInt64 = 0x3000, ring: Int? = nil) throws {
        try memory.addRAM(base: 0, size: 0x4000)
        if let readOnlyAt { try memory.addRAM(base: readOnlyAt, size: 0x1000, readOnly: true) }
        if let moreAt { try memory.addRAM(base: moreAt, size: moreSize) }
        try memory.write(code, at: Self.start)
        space = try KVMSpace(KVMSystem(), memory, ringSize: ring)
        cpu = try KVMThread(space, id: 0)
        let status = host_kvm_start_real_mode(cpu.descriptor, Self.start)
        guard status >= 0 else { throw EngineError.host("real mode", errno: -status) }
    }

    /// Runs to the next exit, which has to be an access.
    func access() throws -> host_kvm_mmio {
        let end = cpu.run()
        guard end == .exit(reason: HOST_KVM_EXIT_MMIO.rawValue) else { throw EngineError.invalid("\(end) instead of an access") }
        return host_kvm_exit_mmio(cpu.page)
    }

    var halts: Bool { cpu.run() == .exit(reason: HOST_KVM_EXIT_HLT.rawValue) }
}
