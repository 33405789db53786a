import CHost
import ExecutionEngine

extension KVMThread {
    /// Makes mvendorid, marchid and mimpid 0, as SBI's base extension tells them, before the first run: KVM starts with
    /// the host's. A kernel that doesn't know the registers answers 0 anyway.
    func hideIdentity() {
        for id in [RegisterID.mvendorid, .marchid, .mimpid] {
            var value: UInt64 = 0
            _ = host_kvm_set_register(descriptor, id.rawValue, &value)
        }
    }
}
