/// Fields of `menvcfg`, `henvcfg` and, as far as they go, `senvcfg`
/// (privileged specification, "Machine/Supervisor/Hypervisor Environment Configuration Register").
package enum EnvironmentConfiguration {
    package static var FIOM: UInt64 { 1 << 0 }
    package static var LPE: UInt64 { 1 << 2 }
    package static var SSE: UInt64 { 1 << 3 }
    /// 0 traps `cbo.inval`, 1 makes it a flush, 3 lets it be.
    package static var CBIE: UInt64 { 3 << 4 }
    package static var CBCFE: UInt64 { 1 << 6 }
    package static var CBZE: UInt64 { 1 << 7 }
    package static var PMM: UInt64 { 3 << 32 }
    package static var DTE: UInt64 { 1 << 59 }
    package static var CDE: UInt64 { 1 << 60 }
    package static var ADUE: UInt64 { 1 << 61 }
    package static var PBMTE: UInt64 { 1 << 62 }
    package static var STCE: UInt64 { 1 << 63 }

    package static var CBIEShift: UInt64 { 4 }
}

/// Bits of `mstateen0` and `hstateen0` (Smstateen, privileged specification).
package enum StateEnable {
    package static var C: UInt64 { 1 << 0 }
    package static var FCSR: UInt64 { 1 << 1 }
    package static var JVT: UInt64 { 1 << 2 }
    package static var CTR: UInt64 { 1 << 54 }
    package static var SRMCFG: UInt64 { 1 << 55 }
    package static var P1P13: UInt64 { 1 << 56 }
    package static var CONTEXT: UInt64 { 1 << 57 }
    package static var IMSIC: UInt64 { 1 << 58 }
    package static var AIA: UInt64 { 1 << 59 }
    package static var CSRIND: UInt64 { 1 << 60 }
    package static var ENVCFG: UInt64 { 1 << 62 }
    package static var SE0: UInt64 { 1 << 63 }
}
