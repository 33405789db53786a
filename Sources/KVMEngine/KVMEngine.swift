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

    package func capability(_ one: Capability) -> Int { 0 }

    package func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
        guard setup.mode == .supervisor else {
            throw .unsupported("KVM's guests start in S-mode; --firmware needs --engine interpreter")
        }
        guard setup.imsic == nil else {
            throw .unsupported("rvkvm's KVM guests have no interrupt files; choose --irqchip plic, or --engine interpreter")
        }
        let most = max(1, system.capability(HOST_KVM_CAP_MAX_VCPUS))
        guard setup.cpuCount <= most else { throw .unsupported("this host's KVM gives a guest \(most) harts at most; give fewer with --smp") }
        if system.capability(HOST_KVM_CAP_READONLY_MEM) == 0, setup.memory.slots.contains(where: { $0.readOnly }) {
            throw .unsupported("this host's KVM has no read-only memory (KVM_CAP_READONLY_MEM), which --flash needs")
        }
        return try KVMMachine(setup, system)
    }
}
