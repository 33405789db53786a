/// Fields of `menvcfg`, `henvcfg` and, as far as they go, `senvcfg`
/// (privileged specification, "Machine/Supervisor/Hypervisor Environment Configuration Register").
public enum EnvironmentConfiguration {
    public static var FIOM: UInt64 { 1 << 0 }
    public static var LPE: UInt64 { 1 << 2 }
    public static var SSE: UInt64 { 1 << 3 }
    /// 0 traps `cbo.inval`, 1 makes it a flush, 3 lets it be.
    public static var CBIE: UInt64 { 3 << 4 }
    public static var CBCFE: UInt64 { 1 << 6 }
    public static var CBZE: UInt64 { 1 << 7 }
    public static var PMM: UInt64 { 3 << 32 }
    public static var DTE: UInt64 { 1 << 59 }
    public static var CDE: UInt64 { 1 << 60 }
    public static var ADUE: UInt64 { 1 << 61 }
    public static var PBMTE: UInt64 { 1 << 62 }
    public static var STCE: UInt64 { 1 << 63 }

    public static var CBIEShift: UInt64 { 4 }
}

/// Bits of `mstateen0` and `hstateen0` (Smstateen, privileged specification).
public enum StateEnable {
    public static var C: UInt64 { 1 << 0 }
    public static var FCSR: UInt64 { 1 << 1 }
    public static var JVT: UInt64 { 1 << 2 }
    public static var CTR: UInt64 { 1 << 54 }
    public static var SRMCFG: UInt64 { 1 << 55 }
    public static var P1P13: UInt64 { 1 << 56 }
    public static var CONTEXT: UInt64 { 1 << 57 }
    public static var IMSIC: UInt64 { 1 << 58 }
    public static var AIA: UInt64 { 1 << 59 }
    public static var CSRIND: UInt64 { 1 << 60 }
    public static var ENVCFG: UInt64 { 1 << 62 }
    public static var SE0: UInt64 { 1 << 63 }
}
