import CHost
import RISCV

/// Fields of `mseccfg` (privileged specification, "Machine Security Configuration Register").
enum SecurityConfiguration {
    static let USEED: UInt64 = 1 << 8
    static let SSEED: UInt64 = 1 << 9
}

extension Hart {
    /// M-mode always may; the others when mseccfg lends it to them. Only an access that writes is legal at all
    /// (Zkr, "The seed CSR").
    func mayReadSeed(_ mode: Privilege) -> Bool {
        guard extensions.contains(.zkr) else { return false }
        switch mode {
        case .machine: return true
        case .supervisor: return state.pointee.mseccfg & SecurityConfiguration.SSEED != 0
        case .user: return state.pointee.mseccfg & SecurityConfiguration.USEED != 0
        }
    }

    /// 16 fresh bits from the host and OPST = ES16, or WAIT when the host has none.
    func entropy() -> UInt64 {
        var bits: UInt16 = 0
        let status = withUnsafeMutableBytes(of: &bits) { buffer in buffer.baseAddress.map { host_random($0, 2) } ?? -1 }
        return status == 0 ? 2 << 30 | UInt64(bits) : 1 << 30
    }
}
