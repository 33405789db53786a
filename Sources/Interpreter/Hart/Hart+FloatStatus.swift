import RISCV

// While V = 1 both mstatus.FS and vsstatus.FS have to be on, and changing floating-point state makes both dirty
// (privileged spec, "Virtual Supervisor Status Register"). Handlers know one field only, `fs`: with V = 1 it is off
// when either is, dirty when both are, and clean otherwise, so that finding it dirty says that both are.
extension Hart {
    /// Brings mstatus.FS and vsstatus.FS up to date with `fs`.
    private func split() {
        let s = state
        if !s.pointee.virtual {
            s.pointee.outerFS = s.pointee.fs
        } else if s.pointee.fs == 3 {
            s.pointee.outerFS = 3
            s.pointee.guestFS = 3
        }
    }

    /// Makes `fs` of the two again.
    private func join() {
        let s = state
        let outer = s.pointee.outerFS, guest = s.pointee.guestFS
        s.pointee.fs = !s.pointee.virtual ? outer : outer == 0 || guest == 0 ? 0 : outer == 3 && guest == 3 ? 3 : 2
    }

    /// mstatus.FS.
    var floatStatus: UInt8 {
        get {
            split()
            return state.pointee.outerFS
        }
        set {
            split()
            state.pointee.outerFS = newValue
            join()
        }
    }

    /// vsstatus.FS.
    var guestFloatStatus: UInt8 {
        get {
            split()
            return state.pointee.guestFS
        }
        set {
            split()
            state.pointee.guestFS = newValue
            join()
        }
    }

    /// Sets V. `refreshRegime` has to follow.
    func setVirtual(_ virtual: Bool) {
        if state.pointee.virtual == virtual { return }
        split()
        state.pointee.virtual = virtual
        join()
    }
}
