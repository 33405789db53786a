import CHost
import RISCV

/// Fields of `mseccfg` (privileged specification, "Machine Security Configuration Register").
enum SecurityConfiguration {
    static let MML: UInt64 = 1 << 0
    static let MMWP: UInt64 = 1 << 1
    static let RLB: UInt64 = 1 << 2
    static let USEED: UInt64 = 1 << 8
    static let SSEED: UInt64 = 1 << 9
}

extension Hart {
    /// Writes what of `mseccfg` belongs to an extension that is there.
    func setSecurityConfiguration(_ value: UInt64) {
        typealias S = SecurityConfiguration
        var new: UInt64 = 0
        if extensions.contains(.zkr) { new |= value & (S.USEED | S.SSEED) }
        if extensions.contains(.smepmp) {
            let policy = pmp.setPolicy(PMP.Policy(MML: value & S.MML != 0, MMWP: value & S.MMWP != 0, RLB: value & S.RLB != 0))
            new |= (policy.MML ? S.MML : 0) | (policy.MMWP ? S.MMWP : 0) | (policy.RLB ? S.RLB : 0)
            protectionChanged()
        }
        state.pointee.mseccfg = new
    }

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
