import CHost
import ExecutionEngine

extension KVMSpace {
    /// See `VirtualMachine.addDoorbell`.
    package func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        let status = host_kvm_ioeventfd(
            descriptor, address, UInt32(truncatingIfNeeded: width), value != nil, value ?? 0, eventfd, false)
        if status == -KVMError.exists { throw .busy("there is a doorbell at 0x\(String(address, radix: 16)) already") }
        guard status >= 0 else { throw .kvm("KVM takes no doorbell at 0x\(String(address, radix: 16))", -status) }
    }

    /// See `VirtualMachine.removeDoorbell`.
    package func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        let status = host_kvm_ioeventfd(
            descriptor, address, UInt32(truncatingIfNeeded: width), value != nil, value ?? 0, eventfd, true)
        guard status >= 0 else { throw .kvm("the doorbell at 0x\(String(address, radix: 16))", -status) }
    }
}
