/// Fields of `mstatus`; `sstatus` and `vsstatus` show some of them in the same places
/// (privileged specification, "Machine Status", "Supervisor Status", "Virtual Supervisor Status Register").
package enum MStatus {
    package static var SIE: UInt64 { 1 << 1 }
    package static var MIE: UInt64 { 1 << 3 }
    package static var SPIE: UInt64 { 1 << 5 }
    package static var UBE: UInt64 { 1 << 6 }
    package static var MPIE: UInt64 { 1 << 7 }
    package static var SPP: UInt64 { 1 << 8 }
    package static var VS: UInt64 { 3 << 9 }
    package static var MPP: UInt64 { 3 << 11 }
    package static var FS: UInt64 { 3 << 13 }
    package static var XS: UInt64 { 3 << 15 }
    package static var MPRV: UInt64 { 1 << 17 }
    package static var SUM: UInt64 { 1 << 18 }
    package static var MXR: UInt64 { 1 << 19 }
    package static var TVM: UInt64 { 1 << 20 }
    package static var TW: UInt64 { 1 << 21 }
    package static var TSR: UInt64 { 1 << 22 }
    package static var SPELP: UInt64 { 1 << 23 }
    package static var SDT: UInt64 { 1 << 24 }
    package static var UXL: UInt64 { 3 << 32 }
    package static var SXL: UInt64 { 3 << 34 }
    package static var SBE: UInt64 { 1 << 36 }
    package static var MBE: UInt64 { 1 << 37 }
    package static var GVA: UInt64 { 1 << 38 }
    package static var MPV: UInt64 { 1 << 39 }
    package static var MPELP: UInt64 { 1 << 41 }
    package static var MDT: UInt64 { 1 << 42 }
    package static var SD: UInt64 { 1 << 63 }

    package static var VSShift: UInt64 { 9 }
    package static var MPPShift: UInt64 { 11 }
    package static var FSShift: UInt64 { 13 }
    package static var UXLShift: UInt64 { 32 }
    package static var SXLShift: UInt64 { 34 }
}

/// What `sstatus` shows of `mstatus`.
package enum SStatus {
    /// Every field that S-mode sees, VS and the rarer ones included; a hart masks off what it lacks.
    package static var visible: UInt64 {
        MStatus.SIE | MStatus.SPIE | MStatus.UBE | MStatus.SPP | MStatus.VS | MStatus.FS | MStatus.XS
            | MStatus.SUM | MStatus.MXR | MStatus.SPELP | MStatus.SDT | MStatus.UXL | MStatus.SD
    }
}

/// Values of the fields FS, VS and XS ("Extension Context Status in mstatus Register").
package enum ContextStatus: UInt64, Sendable {
    case off = 0
    case initial = 1
    case clean = 2
    case dirty = 3
}

/// Values of MXL, SXL, UXL and VSXL ("Machine ISA Register").
package enum XLEN: UInt64, Sendable {
    case rv32 = 1
    case rv64 = 2
    case rv128 = 3
}

/// Fields of `hstatus` ("Hypervisor Status Register").
package enum HStatus {
    package static var VSBE: UInt64 { 1 << 5 }
    package static var GVA: UInt64 { 1 << 6 }
    package static var SPV: UInt64 { 1 << 7 }
    package static var SPVP: UInt64 { 1 << 8 }
    package static var HU: UInt64 { 1 << 9 }
    package static var VGEIN: UInt64 { 0x3f << 12 }
    package static var VTVM: UInt64 { 1 << 20 }
    package static var VTW: UInt64 { 1 << 21 }
    package static var VTSR: UInt64 { 1 << 22 }
    package static var VSXL: UInt64 { 3 << 32 }
    package static var HUPMM: UInt64 { 3 << 48 }

    package static var VGEINShift: UInt64 { 12 }
    package static var VSXLShift: UInt64 { 32 }
}
