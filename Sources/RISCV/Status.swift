/// Fields of `mstatus`; `sstatus` and `vsstatus` show some of them in the same places
/// (privileged specification, "Machine Status", "Supervisor Status", "Virtual Supervisor Status Register").
public enum MStatus {
    public static var SIE: UInt64 { 1 << 1 }
    public static var MIE: UInt64 { 1 << 3 }
    public static var SPIE: UInt64 { 1 << 5 }
    public static var UBE: UInt64 { 1 << 6 }
    public static var MPIE: UInt64 { 1 << 7 }
    public static var SPP: UInt64 { 1 << 8 }
    public static var VS: UInt64 { 3 << 9 }
    public static var MPP: UInt64 { 3 << 11 }
    public static var FS: UInt64 { 3 << 13 }
    public static var XS: UInt64 { 3 << 15 }
    public static var MPRV: UInt64 { 1 << 17 }
    public static var SUM: UInt64 { 1 << 18 }
    public static var MXR: UInt64 { 1 << 19 }
    public static var TVM: UInt64 { 1 << 20 }
    public static var TW: UInt64 { 1 << 21 }
    public static var TSR: UInt64 { 1 << 22 }
    public static var SPELP: UInt64 { 1 << 23 }
    public static var SDT: UInt64 { 1 << 24 }
    public static var UXL: UInt64 { 3 << 32 }
    public static var SXL: UInt64 { 3 << 34 }
    public static var SBE: UInt64 { 1 << 36 }
    public static var MBE: UInt64 { 1 << 37 }
    public static var GVA: UInt64 { 1 << 38 }
    public static var MPV: UInt64 { 1 << 39 }
    public static var MPELP: UInt64 { 1 << 41 }
    public static var MDT: UInt64 { 1 << 42 }
    public static var SD: UInt64 { 1 << 63 }

    public static var VSShift: UInt64 { 9 }
    public static var MPPShift: UInt64 { 11 }
    public static var FSShift: UInt64 { 13 }
    public static var UXLShift: UInt64 { 32 }
    public static var SXLShift: UInt64 { 34 }
}

/// What `sstatus` shows of `mstatus`.
public enum SStatus {
    /// Every field that S-mode sees, VS and the rarer ones included; a hart masks off what it lacks.
    public static var visible: UInt64 {
        MStatus.SIE | MStatus.SPIE | MStatus.UBE | MStatus.SPP | MStatus.VS | MStatus.FS | MStatus.XS
            | MStatus.SUM | MStatus.MXR | MStatus.SPELP | MStatus.SDT | MStatus.UXL | MStatus.SD
    }
}

/// Values of the fields FS, VS and XS ("Extension Context Status in mstatus Register").
public enum ContextStatus: UInt64, Sendable {
    case off = 0
    case initial = 1
    case clean = 2
    case dirty = 3
}

/// Values of MXL, SXL, UXL and VSXL ("Machine ISA Register").
public enum XLEN: UInt64, Sendable {
    case rv32 = 1
    case rv64 = 2
    case rv128 = 3
}

/// Fields of `hstatus` ("Hypervisor Status Register").
public enum HStatus {
    public static var VSBE: UInt64 { 1 << 5 }
    public static var GVA: UInt64 { 1 << 6 }
    public static var SPV: UInt64 { 1 << 7 }
    public static var SPVP: UInt64 { 1 << 8 }
    public static var HU: UInt64 { 1 << 9 }
    public static var VGEIN: UInt64 { 0x3f << 12 }
    public static var VTVM: UInt64 { 1 << 20 }
    public static var VTW: UInt64 { 1 << 21 }
    public static var VTSR: UInt64 { 1 << 22 }
    public static var VSXL: UInt64 { 3 << 32 }
    public static var HUPMM: UInt64 { 3 << 48 }

    public static var VGEINShift: UInt64 { 12 }
    public static var VSXLShift: UInt64 { 32 }
}
