import ExecutionEngine
import RISCV

/// What mvendorid, marchid and mimpid, and SBI's calls of these names, answer.
struct ProcessorIdentity {
    var mvendorid: UInt64 = 0
    var marchid: UInt64 = 0
    var mimpid: UInt64 = 0
}

// CONFIG.
extension HartCPU {
    /// Bytes of a cache block.
    private static var blockSize: UInt64 { 64 }
    /// The largest value of satp.MODE: Sv57.
    private static var satpMode: UInt64 { 10 }

    /// Letters of `isa`: bit 0 is A. Linux numbers no others of those that there are.
    private static let letters: [(Extension, UInt64)] = [
        (.a, 0), (.c, 2), (.d, 3), (.f, 5), (.h, 7), (.i, 8), (.m, 12), (.v, 21),
    ]

    private var isa: UInt64 {
        var value: UInt64 = 0
        for (one, bit) in Self.letters where hart.extensions.contains(one) { value |= 1 &<< bit }
        return value
    }

    var configList: [RegisterID] {
        var list: [RegisterID] = [.isa]
        if hart.extensions.contains(.zicbom) { list.append(.zicbomBlockSize) }
        if hart.extensions.contains(.zicboz) { list.append(.zicbozBlockSize) }
        return list + [.mvendorid, .marchid, .mimpid, .satpMode]
    }

    func config(_ id: RegisterID) throws(EngineError) -> UInt64 {
        switch id {
        case .isa: return isa
        case .zicbomBlockSize where hart.extensions.contains(.zicbom): return Self.blockSize
        case .zicbozBlockSize where hart.extensions.contains(.zicboz): return Self.blockSize
        case .mvendorid: return hart.identity.mvendorid
        case .marchid: return hart.identity.marchid
        case .mimpid: return hart.identity.mimpid
        case .satpMode: return Self.satpMode
        default: throw Self.missing(id)
        }
    }

    func setConfig(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        switch id {
        case .isa: try setISA(value)
        case .zicbomBlockSize where hart.extensions.contains(.zicbom), .zicbozBlockSize where hart.extensions.contains(.zicboz):
            guard value == Self.blockSize else { throw .invalid("a cache block has \(Self.blockSize) bytes here") }
        case .mvendorid, .marchid, .mimpid: try setIdentity(id, value)
        case .satpMode: guard value == Self.satpMode else { throw .invalid("the largest satp mode is \(Self.satpMode) here") }
        default: throw Self.missing(id)
        }
    }

    private func setIdentity(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        if try config(id) == value { return }
        if hart.hasRun { throw Self.late }
        switch id {
        case .mvendorid: hart.identity.mvendorid = value
        case .marchid: hart.identity.marchid = value
        default: hart.identity.mimpid = value
        }
    }

    /// Letters that can't be switched are passed over.
    private func setISA(_ value: UInt64) throws(EngineError) {
        guard value >> 26 == 0 else { throw .invalid("isa has a bit for each of 26 letters") }
        if value == isa { return }
        if hart.hasRun { throw Self.late }
        for (one, bit) in Self.letters where hart.mayChoose(one) { hart.choose(one, value &>> bit & 1 != 0) }
    }
}
