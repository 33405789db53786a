import CHost
import RISCV

// The registers of the hypervisor extension (privileged spec, "Hypervisor and Virtual Supervisor CSRs"). Who may
// reach them is Hart+Reachable's business.
extension Hart {
    /// VS-level interrupts, where there is H. They are always delegated past M-mode; without guest interrupt files
    /// (GEILEN = 0) that is all that hip and hie have.
    var guestInterrupts: UInt64 { extensions.contains(.h) ? InterruptSet.virtualSupervisor : 0 }

    /// Bits of hedeleg: exceptions that a guest may get to handle.
    private static var delegableToGuest: UInt64 { 0xB1FF }

    /// henvcfg as it takes effect: what menvcfg withholds is withheld from guests.
    var guestEnvironment: UInt64 {
        typealias E = EnvironmentConfiguration
        return state.pointee.henvcfg & (state.pointee.menvcfg | ~(E.STCE | E.PBMTE | E.ADUE))
    }

    /// vsstatus with the fields that are kept elsewhere.
    private var fullGuestStatus: UInt64 {
        let fs = UInt64(guestFloatStatus)
        return state.pointee.vsstatus | 2 &<< MStatus.UXLShift | fs &<< MStatus.FSShift | (fs == 3 ? MStatus.SD : 0)
    }

    /// nil when the register isn't one of these, or isn't there.
    func readHypervisorCSR(_ csr: CSR) -> UInt64? {
        guard extensions.contains(.h) else { return nil }
        let s = state
        switch csr {
        case .hstatus: return s.pointee.hstatus | 2 &<< HStatus.VSXLShift
        case .hedeleg: return s.pointee.hedeleg
        case .hideleg: return s.pointee.hideleg
        case .hie: return s.pointee.mie & guestInterrupts
        case .hip: return presentPending & guestInterrupts
        case .hvip: return signals.virtualInterrupts
        case .htimedelta: return s.pointee.htimedelta
        case .hcounteren: return s.pointee.hcounteren
        case .hgeie, .hgeip: return 0
        case .henvcfg: return guestEnvironment
        case .htval: return s.pointee.htval
        case .htinst: return s.pointee.htinst
        case .hgatp: return s.pointee.hgatp

        case .vsstatus: return fullGuestStatus
        case .vsie: return (s.pointee.mie & s.pointee.hideleg & guestInterrupts) &>> 1
        case .vsip: return (presentPending & s.pointee.hideleg & guestInterrupts) &>> 1
        case .vstvec: return s.pointee.vstvec
        case .vsscratch: return s.pointee.vsscratch
        case .vsepc: return s.pointee.vsepc & returnAddressMask
        case .vscause: return s.pointee.vscause
        case .vstval: return s.pointee.vstval
        case .vsatp: return s.pointee.vsatp
        case .vstimecmp: return s.pointee.vstimecmp

        case .mtval2: return s.pointee.mtval2
        case .mtinst: return s.pointee.mtinst
        default: return nil
        }
    }

    /// Writes what of `value` the register accepts. False when it isn't one of these, or isn't there.
    func writeHypervisorCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        guard extensions.contains(.h) else { return false }
        let s = state
        switch csr {
        case .hstatus:
            typealias F = HStatus
            s.pointee.hstatus = value & (F.GVA | F.SPV | F.SPVP | F.HU | F.VTVM | F.VTW | F.VTSR)
        case .hedeleg: s.pointee.hedeleg = value & Self.delegableToGuest
        case .hideleg: s.pointee.hideleg = value & guestInterrupts
        case .hie: s.pointee.mie = s.pointee.mie & ~guestInterrupts | value & guestInterrupts
        case .hip: setPending(value, mask: InterruptSet.virtualSupervisorSoftware)
        case .hvip: signals.setVirtualInterrupts(value & guestInterrupts)
        case .htimedelta:
            s.pointee.htimedelta = value
            updateVirtualTimer()
        case .hcounteren: s.pointee.hcounteren = value & 0xFFFF_FFFF
        case .hgeie: break
        case .henvcfg: setGuestEnvironment(value)
        case .htval: s.pointee.htval = value
        case .htinst: s.pointee.htinst = value
        case .hgatp: setHGATP(value)

        case .vsstatus: setGuestStatus(value)
        case .vsie:
            let mask = s.pointee.hideleg & guestInterrupts
            s.pointee.mie = s.pointee.mie & ~mask | value &<< 1 & mask
        case .vsip: setPending(value &<< 1, mask: s.pointee.hideleg & InterruptSet.virtualSupervisorSoftware)
        case .vstvec: s.pointee.vstvec = value & ~2
        case .vsscratch: s.pointee.vsscratch = value
        case .vsepc: s.pointee.vsepc = value & ~1
        case .vscause: s.pointee.vscause = value
        case .vstval: s.pointee.vstval = value
        case .vsatp: setVSATP(value)
        case .vstimecmp:
            s.pointee.vstimecmp = value
            updateVirtualTimer()

        case .mtval2: s.pointee.mtval2 = value
        case .mtinst: s.pointee.mtinst = value
        default: return false
        }
        return true
    }

    private func setGuestStatus(_ value: UInt64) {
        let s = state
        let fields = Self.supervisorStatus & ~MStatus.FS
        let changed = s.pointee.vsstatus ^ value & fields
        let wasOff = s.pointee.fs == 0
        s.pointee.vsstatus = value & fields
        guestFloatStatus = extensions.contains(.f) ? UInt8(truncatingIfNeeded: value &>> MStatus.FSShift & 3) : 0
        if changed & MStatus.MXR != 0 { forgetGuests() }
        if changed & MStatus.SUM != 0 || wasOff != (s.pointee.fs == 0) { refreshRegime() }
    }

    private func setGuestEnvironment(_ value: UInt64) {
        typealias E = EnvironmentConfiguration
        let s = state
        var more: UInt64 = 0
        if extensions.contains(.sstc) { more |= E.STCE }
        if extensions.contains(.svpbmt) { more |= E.PBMTE }
        if extensions.contains(.svadu) { more |= E.ADUE }
        let new = environment(value, old: s.pointee.henvcfg) | value & more
        let changed = s.pointee.henvcfg ^ new
        s.pointee.henvcfg = new
        if changed & E.STCE != 0 { updateVirtualTimer() }
        if changed & (E.PBMTE | E.ADUE) != 0 { forgetGuests() }
    }

    /// An unsupported MODE leaves MODE as it was; the other fields are written (privileged spec, "hgatp"). The root
    /// has 16 KiB, so the two lowest bits of its page number are zero.
    private func setHGATP(_ value: UInt64) {
        let mode: UInt64 =
            switch value &>> HGATP.MODEShift {
            case 0, 8, 9, 10: value & HGATP.MODE
            default: state.pointee.hgatp & HGATP.MODE
            }
        state.pointee.hgatp = mode | value & (HGATP.VMID | HGATP.PPN & ~3)
        refreshRegime()
    }

    /// As with satp, an unsupported MODE leaves the register as it was.
    private func setVSATP(_ value: UInt64) {
        switch value &>> SATP.MODEShift {
        case 0, 8, 9, 10:
            state.pointee.vsatp = value
            refreshRegime()
        default: break
        }
    }

    /// Forgets all translations of guests, after a change of what permits them.
    private func forgetGuests() { fenceGuestPhysical(vmid: nil) }
}
