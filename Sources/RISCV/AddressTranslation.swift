/// Bits of a page-table entry (privileged specification, "Sv39", Svnapot, Svpbmt).
public enum PTE {
    public static var V: UInt64 { 1 << 0 }
    public static var R: UInt64 { 1 << 1 }
    public static var W: UInt64 { 1 << 2 }
    public static var X: UInt64 { 1 << 3 }
    public static var U: UInt64 { 1 << 4 }
    public static var G: UInt64 { 1 << 5 }
    public static var A: UInt64 { 1 << 6 }
    public static var D: UInt64 { 1 << 7 }
    public static var RSW: UInt64 { 3 << 8 }
    public static var PPN: UInt64 { 0xfff_ffff_ffff << 10 }
    public static var reserved: UInt64 { 0x7f << 54 }
    public static var PBMT: UInt64 { 3 << 61 }
    public static var N: UInt64 { 1 << 63 }

    public static var PPNShift: UInt64 { 10 }
    public static var PBMTShift: UInt64 { 61 }
}

/// Modes of `satp`, `vsatp` and, with their x4 variants, `hgatp`
/// (privileged specification, "Supervisor Address Translation and Protection Register").
public enum TranslationMode: UInt64, Sendable {
    case bare = 0
    case sv39 = 8
    case sv48 = 9
    case sv57 = 10

    /// Levels of the page table; 0 without one.
    @inline(__always)
    public var levels: Int { self == .bare ? 0 : Int(rawValue) - 5 }
}

/// Fields of an RV64 `satp` and `vsatp` (the same section).
public enum SATP {
    public static var PPN: UInt64 { 0xfff_ffff_ffff }
    public static var ASID: UInt64 { 0xffff << 44 }
    public static var MODE: UInt64 { 0xf << 60 }

    public static var ASIDShift: UInt64 { 44 }
    public static var MODEShift: UInt64 { 60 }
}

/// Fields of an RV64 `hgatp` (privileged specification, "Hypervisor Guest Address Translation and
/// Protection Register"). The root table has 16 KiB, so the PPN's low two bits are zero.
public enum HGATP {
    public static var PPN: UInt64 { 0xfff_ffff_ffff }
    public static var VMID: UInt64 { 0x3fff << 44 }
    public static var MODE: UInt64 { 0xf << 60 }

    public static var VMIDShift: UInt64 { 44 }
    public static var MODEShift: UInt64 { 60 }
}
