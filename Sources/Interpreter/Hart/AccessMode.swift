import RISCV

/// Whose rules an access follows: a nominal privilege mode, and whether it is a guest's (V = 1).
struct AccessMode: Equatable {
    var privilege: Privilege
    var virtual: Bool

    static let machine = AccessMode(privilege: .machine, virtual: false)
    static let supervisor = AccessMode(privilege: .supervisor, virtual: false)

    @inline(__always)
    static func == (left: AccessMode, right: AccessMode) -> Bool {
        left.privilege == right.privilege && left.virtual == right.virtual
    }

    /// For traces: mstatus.MPP's encoding, and V in bit 2.
    var code: UInt8 { privilege.rawValue | (virtual ? 4 : 0) }
}

extension Hart {
    /// The mode that the hart is in.
    var currentMode: AccessMode { AccessMode(privilege: state.pointee.mode, virtual: state.pointee.virtual) }

    /// The mode whose rules loads and stores follow: mstatus.MPRV lends M-mode that of MPP and MPV (privileged
    /// spec, "Effect of MPRV on the translation and protection of explicit memory accesses").
    var dataMode: AccessMode {
        let status = state.pointee.mstatus
        if state.pointee.mode == .machine, status & MStatus.MPRV != 0 {
            let lent = Privilege(rawValue: UInt8(truncatingIfNeeded: status &>> MStatus.MPPShift & 3)) ?? .user
            return AccessMode(privilege: lent, virtual: lent != .machine && status & MStatus.MPV != 0)
        }
        return currentMode
    }

    /// The mode of HLV, HLVX and HSV, whoever executes them.
    var guestAccessMode: AccessMode {
        AccessMode(privilege: state.pointee.hstatus & HStatus.SPVP != 0 ? .supervisor : .user, virtual: true)
    }
}
