/// Bits of a page-table entry (privileged specification, "Sv39", Svnapot, Svpbmt).
package enum PTE {
    package static var V: UInt64 { 1 << 0 }
    package static var R: UInt64 { 1 << 1 }
    package static var W: UInt64 { 1 << 2 }
    package static var X: UInt64 { 1 << 3 }
    package static var U: UInt64 { 1 << 4 }
    package static var G: UInt64 { 1 << 5 }
    package static var A: UInt64 { 1 << 6 }
    package static var D: UInt64 { 1 << 7 }
    package static var RSW: UInt64 { 3 << 8 }
    package static var PPN: UInt64 { 0xfff_ffff_ffff << 10 }
    package static var reserved: UInt64 { 0x7f << 54 }
    package static var PBMT: UInt64 { 3 << 61 }
    package static var N: UInt64 { 1 << 63 }

    package static var PPNShift: UInt64 { 10 }
    package static var PBMTShift: UInt64 { 61 }
}

/// Modes of `satp`, `vsatp` and, with their x4 variants, `hgatp`
/// (privileged specification, "Supervisor Address Translation and Protection Register").
package enum TranslationMode: UInt64, Sendable {
    case bare = 0
    case sv39 = 8
    case sv48 = 9
    case sv57 = 10

    /// Levels of the page table; 0 without one.
    @inline(__always)
    package var levels: Int { self == .bare ? 0 : Int(rawValue) - 5 }
}

/// Fields of an RV64 `satp` and `vsatp` (the same section).
package enum SATP {
    package static var PPN: UInt64 { 0xfff_ffff_ffff }
    package static var ASID: UInt64 { 0xffff << 44 }
    package static var MODE: UInt64 { 0xf << 60 }

    package static var ASIDShift: UInt64 { 44 }
    package static var MODEShift: UInt64 { 60 }
}

/// Fields of an RV64 `hgatp` (privileged specification, "Hypervisor Guest Address Translation and
/// Protection Register"). The root table has 16 KiB, so the PPN's low two bits are zero.
package enum HGATP {
    package static var PPN: UInt64 { 0xfff_ffff_ffff }
    package static var VMID: UInt64 { 0x3fff << 44 }
    package static var MODE: UInt64 { 0xf << 60 }

    package static var VMIDShift: UInt64 { 44 }
    package static var MODEShift: UInt64 { 60 }
}
