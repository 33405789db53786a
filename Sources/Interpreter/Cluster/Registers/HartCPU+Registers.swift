import ExecutionEngine
import RISCV

// ONE_REG with KVM's rules (Linux 6.12, arch/riscv/kvm/vcpu_onereg.c), a file for each group of registers.
extension HartCPU {
    package func register(_ id: RegisterID) throws(EngineError) -> UInt64 {
        let group = try check(id)
        hart.takePendingStart()
        switch group {
        case .config: return try config(id)
        case .core: return try core(id)
        case .csr: return try csr(id)
        case .timer: return try timer(id)
        case .float: return try single(id)
        case .double: return try double(id)
        case .isaExtension: return try isaExtension(id)
        case .sbiExtension: return try sbiExtension(id)
        case .sbiState: return try sbiState(id)
        case .vector: throw Self.missing(id)
        }
    }

    package func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError) {
        let group = try check(id)
        hart.takePendingStart()
        switch group {
        case .config: try setConfig(id, value)
        case .core: try setCore(id, value)
        case .csr: try setCSR(id, value)
        case .timer: try setTimer(id, value)
        case .float: try setSingle(id, value)
        case .double: try setDouble(id, value)
        case .isaExtension: try setISAExtension(id, value)
        case .sbiExtension: try setSBIExtension(id, value)
        case .sbiState: try setSBIState(id, value)
        case .vector: throw Self.missing(id)
        }
    }

    package func bytes(of id: RegisterID) throws(EngineError) -> [UInt8] {
        let value = try register(id)
        var bytes: [UInt8] = []
        // A register that exists has eight bytes at most.
        for i in 0..<UInt64(id.size) { bytes.append(UInt8(truncatingIfNeeded: value &>> (8 &* i))) }
        return bytes
    }

    package func setBytes(of id: RegisterID, to bytes: [UInt8]) throws(EngineError) {
        _ = try check(id)
        guard bytes.count == id.size else {
            throw .invalid("register \(hexText(id.rawValue)) has \(id.size) bytes, not \(bytes.count)")
        }
        var value: UInt64 = 0
        for (i, byte) in bytes.enumerated() { value |= UInt64(byte) &<< UInt64(truncatingIfNeeded: 8 &* i) }
        try setRegister(id, to: value)
    }

    /// What describes the processor comes first, since other registers exist by it, and time comes before the compare
    /// that waits for it.
    package func registers() throws(EngineError) -> [RegisterID] {
        hart.takePendingStart()
        return configList + isaExtensionList + sbiExtensionList + coreList + csrList + timerList + floatList + sbiStateList
    }

    /// The group of an id that some register could have.
    private func check(_ id: RegisterID) throws(EngineError) -> RegisterID.Group {
        guard id.rawValue >> 60 == 8 else { throw .invalid("\(hexText(id.rawValue)) is no id of a RISC-V register") }
        guard let group = id.group else { throw Self.missing(id) }
        let size =
            switch group {
            case .float: 4
            case .double: id.index == 32 ? 4 : 8
            case .vector: id.size
            default: 8
            }
        guard id.size == size else {
            throw .invalid("register \(hexText(id.rawValue)): a register of this kind has \(size) bytes")
        }
        // Bits that stand for nothing.
        guard id.isWellFormed else { throw Self.missing(id) }
        return group
    }

    static func missing(_ id: RegisterID) -> EngineError { .missing("this vCPU has no register \(hexText(id.rawValue))") }

    /// What KVM says of a change of the processor after its first run.
    static var late: EngineError { .busy("a vCPU's processor can't be changed any more once it has run") }
}

func hexText(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
