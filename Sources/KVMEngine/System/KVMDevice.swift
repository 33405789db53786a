import CHost
import ExecutionEngine

/// A device in the kernel, told what it is through attributes (KVM's `Documentation/virt/kvm/api.rst`,
/// "KVM_CREATE_DEVICE").
final class KVMDevice {
    private let descriptor: Int32

    /// `what` names it in errors.
    init(_ space: KVMSpace, _ type: host_kvm_device, _ what: String) throws(EngineError) {
        let made = host_kvm_create_device(space.descriptor, type)
        guard made >= 0 else { throw .kvm("KVM makes no \(what)", -made) }
        descriptor = made
    }

    deinit { host_close(descriptor) }

    /// Sets an attribute of 32 bits. The errno, or 0.
    func set(_ group: UInt32, _ attribute: UInt64, to value: UInt32) -> Int32 {
        var value = value
        return -min(0, host_kvm_set_attribute(descriptor, group, attribute, &value))
    }

    /// Sets one of 64 bits.
    func set(_ group: UInt32, _ attribute: UInt64, to value: UInt64) -> Int32 {
        var value = value
        return -min(0, host_kvm_set_attribute(descriptor, group, attribute, &value))
    }

    /// Reads one of 64 bits into `value`.
    func get(_ group: UInt32, _ attribute: UInt64, _ value: inout UInt64) -> Int32 {
        -min(0, host_kvm_get_attribute(descriptor, group, attribute, &value))
    }

    /// Has it do what has no value.
    func act(_ group: UInt32, _ attribute: UInt64) -> Int32 {
        -min(0, host_kvm_set_attribute(descriptor, group, attribute, nil))
    }
}
