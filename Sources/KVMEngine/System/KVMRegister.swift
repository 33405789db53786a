import CHost
import ExecutionEngine

extension KVMThread {
    /// Bytes of a register, from the id's size field (bits 52 to 55).
    static func size(of id: RegisterID) -> Int { 1 << Int(id.rawValue >> 52 & 0xF) }

    /// Reads a register of up to 8 bytes by its ONE_REG id.
    func register(_ id: RegisterID) throws(EngineError) -> UInt64 {
        var value: UInt64 = 0
        guard Self.size(of: id) <= 8 else { throw .invalid("register \(text(id)) has more than 8 bytes") }
        let status = host_kvm_get_register(descriptor, id.rawValue, &value)
        guard status >= 0 else { throw .kvm("register \(text(id))", -status) }
        return value
    }

    /// Writes a register of up to 8 bytes by its ONE_REG id.
    func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError) {
        var value = value
        guard Self.size(of: id) <= 8 else { throw .invalid("register \(text(id)) has more than 8 bytes") }
        let status = host_kvm_set_register(descriptor, id.rawValue, &value)
        guard status >= 0 else { throw .kvm("register \(text(id))", -status) }
    }

    private func text(_ id: RegisterID) -> String { "0x" + String(id.rawValue, radix: 16) }
}
