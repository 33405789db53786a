import CHost
import ExecutionEngine

/// A machine without memory, and its vCPU 0: made to be asked what the host dictates, and kept for the first guest,
/// since the kernel works longer at making a machine than at anything else before a guest starts.
final class KVMSpare {
    private(set) var machine: Int32
    private(set) var vcpu: Int32 = -1

    init(_ system: KVMSystem) throws(EngineError) {
        machine = host_kvm_create_machine(system.descriptor)
        guard machine >= 0 else { throw .kvm("/dev/kvm makes no machine", -machine) }
        vcpu = host_kvm_create_vcpu(machine, 0)
        guard vcpu >= 0 else { throw .kvm("KVM makes no vCPU 0", -vcpu) }
    }

    deinit {
        if vcpu >= 0 { host_close(vcpu) }
        if machine >= 0 { host_close(machine) }
    }

    /// Hands both over: they are the caller's to close.
    func take() -> (machine: Int32, vcpu: Int32) {
        defer { (machine, vcpu) = (-1, -1) }
        return (machine, vcpu)
    }
}
