import CHost
import ExecutionEngine
import GuestMemory

/// Runs guests on the host's own harts, through /dev/kvm of a riscv64 Linux.
package final class KVMEngine: Engine {
    private let system: KVMSystem
    package let dictates: HostDictates

    /// Opens /dev/kvm and asks what it dictates to guests.
    package init() throws(EngineError) {
        system = try KVMSystem()
        dictates = try system.makeSpare().dictates()
    }

    /// An engine whose insides stay in this module, as with the interpreter's.
    @export(interface) package static func make() throws(EngineError) -> any Engine { try KVMEngine() }

    package var name: String { "kvm" }

    package func capability(_ one: Capability) -> Int {
        switch one {
        case .processors: system.capability(HOST_KVM_CAP_MAX_VCPUS)
        case .memorySlots: system.capability(HOST_KVM_CAP_NR_MEMSLOTS)
        case .guestAddressBits: system.capability(HOST_KVM_CAP_VM_GPA_BITS)
        case .readOnlyMemory: has(HOST_KVM_CAP_READONLY_MEM)
        case .doorbells: has(HOST_KVM_CAP_IOEVENTFD)
        case .interruptFiles: min(has(HOST_KVM_CAP_IRQCHIP), has(HOST_KVM_CAP_SIGNAL_MSI), has(HOST_KVM_CAP_DEVICE_CTRL))
        case .interruptDoorbells: min(capability(.interruptFiles), has(HOST_KVM_CAP_IRQFD), has(HOST_KVM_CAP_IRQ_ROUTING))
        case .dirtyRing: system.capability(HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL)
        case .debugging: has(HOST_KVM_CAP_SET_GUEST_DEBUG)
        case .firmware: 0
        }
    }

    private func has(_ number: host_kvm_capability_number) -> Int { min(1, system.capability(number)) }

    package func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
        guard setup.mode == .supervisor else {
            throw .unsupported("KVM's guests start in S-mode; --firmware needs --engine interpreter")
        }
        guard setup.imsic == nil || capability(.interruptFiles) > 0 else {
            throw .unsupported(
                "--irqchip aia: this host's KVM has no interrupt files for guests, which its harts' extension ssaia would bring; choose --irqchip plic, or --engine interpreter")
        }
        let most = max(1, system.capability(HOST_KVM_CAP_MAX_VCPUS))
        guard setup.cpuCount <= most else { throw .unsupported("this host's KVM gives a guest \(most) harts at most; give fewer with --smp") }
        if system.capability(HOST_KVM_CAP_READONLY_MEM) == 0, setup.memory.slots.contains(where: { $0.readOnly }) {
            throw .unsupported("this host's KVM has no read-only memory (KVM_CAP_READONLY_MEM), which --flash needs")
        }
        return try KVMMachine(setup, system)
    }
}
