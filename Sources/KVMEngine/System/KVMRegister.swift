import CHost
import ExecutionEngine

extension KVMThread {
    /// Bytes of the largest register there is: one of V's with VLEN 2048, which the id's size field could exceed.
    static let largestRegister = 256

    /// Reads a register of up to 8 bytes by its ONE_REG id.
    package func register(_ id: RegisterID) throws(EngineError) -> UInt64 {
        guard id.size <= 8 else { throw .invalid("\(text(id)) has more than 8 bytes") }
        // The kernel writes the low bytes.
        var value: UInt64 = 0
        let status = host_kvm_get_register(descriptor, id.rawValue, &value)
        guard status >= 0 else { throw refusal(id, -status) }
        return value
    }

    /// Writes a register of up to 8 bytes by its ONE_REG id.
    package func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError) {
        guard id.size <= 8 else { throw .invalid("\(text(id)) has more than 8 bytes") }
        var value = value
        let status = host_kvm_set_register(descriptor, id.rawValue, &value)
        guard status >= 0 else { throw refusal(id, -status) }
    }

    /// Reads a register of any size.
    package func bytes(of id: RegisterID) throws(EngineError) -> [UInt8] {
        guard id.size <= Self.largestRegister else { throw .invalid("\(text(id)) has more than \(Self.largestRegister) bytes") }
        var bytes = [UInt8](repeating: 0, count: id.size)
        let status = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { host_kvm_get_register(descriptor, id.rawValue, $0) } ?? -KVMError.invalid
        }
        guard status >= 0 else { throw refusal(id, -status) }
        return bytes
    }

    /// Writes a register of any size.
    package func setBytes(of id: RegisterID, to bytes: [UInt8]) throws(EngineError) {
        guard id.size <= Self.largestRegister else { throw .invalid("\(text(id)) has more than \(Self.largestRegister) bytes") }
        guard bytes.count == id.size else { throw .invalid("\(text(id)) has \(id.size) bytes and not \(bytes.count)") }
        let status = bytes.withUnsafeBytes { buffer in
            buffer.baseAddress.map { host_kvm_set_register(descriptor, id.rawValue, $0) } ?? -KVMError.invalid
        }
        guard status >= 0 else { throw refusal(id, -status) }
    }

    /// The ids of all registers there are now, in the kernel's order.
    package func registers() throws(EngineError) -> [RegisterID] {
        var room = 0
        // Another thread's call may make there be more than there were.
        for _ in 0..<4 {
            var list = [UInt64](repeating: 0, count: room + 1)
            list[0] = UInt64(room)
            let status = list.withUnsafeMutableBufferPointer { buffer in
                buffer.baseAddress.map { host_kvm_register_list(descriptor, $0) } ?? -KVMError.invalid
            }
            let count = Int(truncatingIfNeeded: min(list[0], 1 << 20))
            if status >= 0, count <= room { return list[1..<(count + 1)].map { RegisterID(rawValue: $0) } }
            guard status == -KVMError.tooMany, count > room else { throw .kvm("the list of a vCPU's registers", -status) }
            room = count
        }
        throw .busy("the list of a vCPU's registers grows as it is read")
    }

    private func text(_ id: RegisterID) -> String { "register 0x" + String(id.rawValue, radix: 16) }

    private func refusal(_ id: RegisterID, _ error: Int32) -> EngineError {
        switch error {
        case KVMError.missing: .missing(text(id) + ": this vCPU has none of the kind")
        case KVMError.invalid: .invalid(text(id) + ": KVM finds the value, or the size, invalid")
        case KVMError.busy: .busy(text(id) + ": KVM takes that before the first run only")
        default: .kvm(text(id), error)
        }
    }
}
