import RISCV

extension Hart {
    /// One CSR instruction. False when it is illegal here, with nothing changed.
    ///
    /// - Parameter retired: instructions retired before this one
    func changeCSR(
        _ number: UInt16, _ change: CSRChange, _ operand: UInt64, reads: Bool, writes: Bool, rd: Int, retired: Int
    ) -> Bool {
        // Privileged spec 2.1: bits 9..8 the least mode, bits 11..10 = 3 read-only.
        guard UInt8(truncatingIfNeeded: number &>> 8 & 3) <= state.pointee.mode.rawValue,
            !(writes && number &>> 10 == 3),
            let csr = CSR(rawValue: number), isReachable(csr)
        else { return false }
        state.pointee.retired = retired
        let old = reads || change != .write ? readCSR(csr) : 0
        guard let old else { return false }
        if writes {
            let value: UInt64
            switch change {
            case .write: value = operand
            case .set: value = old | operand
            case .clear: value = old & ~operand
            }
            guard writeCSR(csr, value) else { return false }
        }
        raw.setX(rd, old)
        return true
    }

    /// The conditions beyond the mode that a CSR's number names.
    private func isReachable(_ csr: CSR) -> Bool {
        let s = state
        switch csr {
        case .fflags, .frm, .fcsr: return s.pointee.fs != 0
        case .satp: return !(s.pointee.mode == .supervisor && s.pointee.mstatus & MStatus.TVM != 0)
        case .stimecmp:
            guard extensions.contains(.sstc) else { return false }
            return s.pointee.mode == .machine
                || (s.pointee.menvcfg & EnvironmentConfiguration.STCE != 0 && s.pointee.mcounteren & 2 != 0)
        default:
            if csr.rawValue &>> 5 == CSR.cycle.rawValue &>> 5 { return isCounterEnabled(UInt64(csr.rawValue & 31)) }
            return true
        }
    }

    private func isCounterEnabled(_ number: UInt64) -> Bool {
        let s = state
        if s.pointee.mode == .machine { return true }
        guard s.pointee.mcounteren &>> number & 1 != 0 else { return false }
        return s.pointee.mode == .supervisor || s.pointee.scounteren &>> number & 1 != 0
    }

    /// mstatus with the fields that are kept elsewhere.
    var fullStatus: UInt64 {
        let fs = UInt64(state.pointee.fs)
        return state.pointee.mstatus | fs &<< MStatus.FSShift | (fs == 3 ? MStatus.SD : 0)
    }

    private static let supervisorStatus =
        MStatus.SIE | MStatus.SPIE | MStatus.SPP | MStatus.FS | MStatus.SUM | MStatus.MXR

    /// The register's value, or nil when it doesn't exist.
    func readCSR(_ csr: CSR) -> UInt64? {
        let s = state
        switch csr {
        case .fflags: return UInt64(s.pointee.fflags)
        case .frm: return UInt64(s.pointee.frm)
        case .fcsr: return UInt64(s.pointee.frm) &<< 5 | UInt64(s.pointee.fflags)

        case .time: return cluster.time
        case .cycle, .mcycle: return counter(0)
        case .instret, .minstret: return counter(2)

        case .sstatus: return fullStatus & (Self.supervisorStatus | MStatus.UXL | MStatus.SD)
        case .sie: return s.pointee.mie & s.pointee.mideleg
        case .sip: return currentPending & s.pointee.mideleg
        case .stvec: return s.pointee.stvec
        case .scounteren: return s.pointee.scounteren
        case .senvcfg: return s.pointee.senvcfg
        case .sscratch: return s.pointee.sscratch
        case .sepc: return s.pointee.sepc
        case .scause: return s.pointee.scause
        case .stval: return s.pointee.stval
        case .satp: return s.pointee.satp
        case .stimecmp: return s.pointee.stimecmp

        case .mvendorid, .marchid, .mimpid, .mconfigptr: return 0
        case .mhartid: return UInt64(truncatingIfNeeded: id)
        case .mstatus: return fullStatus
        case .misa: return s.pointee.misa
        case .medeleg: return s.pointee.medeleg
        case .mideleg: return s.pointee.mideleg
        case .mie: return s.pointee.mie
        case .mip: return currentPending
        case .mtvec: return s.pointee.mtvec
        case .mcounteren: return s.pointee.mcounteren
        case .mcountinhibit: return s.pointee.mcountinhibit
        case .menvcfg: return s.pointee.menvcfg
        case .mscratch: return s.pointee.mscratch
        case .mepc: return s.pointee.mepc
        case .mcause: return s.pointee.mcause
        case .mtval: return s.pointee.mtval
        default: return isReadOnlyZero(csr) ? 0 : nil
        }
    }

    /// Counters and selectors that are there and never count; no PMP entry is implemented, so all of them
    /// read as zero (privileged spec 3.1.10, 3.7.1).
    private func isReadOnlyZero(_ csr: CSR) -> Bool {
        switch csr.rawValue {
        case CSR.hpmcounter3.rawValue...CSR.hpmcounter31.rawValue, 0xB03...0xB1F, 0x323...0x33F, 0x3A0...0x3EF: true
        default: false
        }
    }

    /// Writes what of `value` the register accepts. False when it doesn't exist.
    func writeCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        let s = state
        switch csr {
        case .fflags: setFloatControl(frm: s.pointee.frm, flags: UInt8(value & 31))
        case .frm: setFloatControl(frm: UInt8(value & 7), flags: s.pointee.fflags)
        case .fcsr: setFloatControl(frm: UInt8(value &>> 5 & 7), flags: UInt8(value & 31))

        case .mcycle: setCounter(0, value)
        case .minstret: setCounter(2, value)

        case .sstatus: setStatus(value, mask: Self.supervisorStatus)
        case .sie: s.pointee.mie = s.pointee.mie & ~s.pointee.mideleg | value & s.pointee.mideleg & InterruptSet.supervisor
        case .sip: setPending(value, mask: s.pointee.mideleg & InterruptSet.supervisorSoftware)
        case .stvec: s.pointee.stvec = value & ~2
        case .scounteren: s.pointee.scounteren = value & 0xFFFF_FFFF
        case .senvcfg: s.pointee.senvcfg = environment(value, old: s.pointee.senvcfg)
        case .sscratch: s.pointee.sscratch = value
        case .sepc: s.pointee.sepc = value & returnAddressMask
        case .scause: s.pointee.scause = value
        case .stval: s.pointee.stval = value
        case .satp: setSATP(value)
        case .stimecmp:
            s.pointee.stimecmp = value
            updateTimer()

        case .mstatus:
            setStatus(
                value,
                mask: Self.supervisorStatus | MStatus.MIE | MStatus.MPIE | MStatus.MPP | MStatus.MPRV | MStatus.TVM
                    | MStatus.TW | MStatus.TSR)
        case .misa: break
        case .medeleg: s.pointee.medeleg = value & 0xB3FF
        case .mideleg: s.pointee.mideleg = value & InterruptSet.supervisor
        case .mie: s.pointee.mie = value & (InterruptSet.supervisor | InterruptSet.machine)
        case .mip:
            let timer = s.pointee.menvcfg & EnvironmentConfiguration.STCE == 0 ? InterruptSet.supervisorTimer : 0
            setPending(value, mask: InterruptSet.supervisorSoftware | InterruptSet.supervisorExternal | timer)
        case .mtvec: s.pointee.mtvec = value & ~2
        case .mcounteren: s.pointee.mcounteren = value & 0xFFFF_FFFF
        case .mcountinhibit: inhibitCounters(value & 5)
        case .menvcfg:
            let fixed = environment(value, old: s.pointee.menvcfg)
            var more: UInt64 = 0
            if extensions.contains(.sstc) { more |= EnvironmentConfiguration.STCE }
            if extensions.contains(.svpbmt) { more |= EnvironmentConfiguration.PBMTE }
            s.pointee.menvcfg = fixed | value & more
            emptyTranslations()
            refreshRegime()
        case .mscratch: s.pointee.mscratch = value
        case .mepc: s.pointee.mepc = value & returnAddressMask
        case .mcause: s.pointee.mcause = value
        case .mtval: s.pointee.mtval = value
        default: return isReadOnlyZero(csr)
        }
        return true
    }

    /// Instructions start at multiples of 2 with C, of 4 without (privileged spec 3.1.14).
    private var returnAddressMask: UInt64 { extensions.contains(.c) ? ~1 : ~3 }

    private func setFloatControl(frm: UInt8, flags: UInt8) {
        let s = state
        s.pointee.frm = frm
        s.pointee.fflags = flags
        s.pointee.fpFast = frm == 0 && flags & 1 != 0 ? 1 : 0
        s.pointee.fs = 3
    }

    private func setStatus(_ value: UInt64, mask: UInt64) {
        let s = state
        let old = s.pointee.mstatus
        var new = old & ~mask | value & mask & ~MStatus.FS
        // MPP holds modes that exist (privileged spec 3.1.6.1).
        if new & MStatus.MPP == 2 &<< MStatus.MPPShift { new = new & ~MStatus.MPP | old & MStatus.MPP }
        let fs = UInt8(truncatingIfNeeded: value &>> MStatus.FSShift & 3)
        let wasOff = s.pointee.fs == 0
        s.pointee.mstatus = new
        s.pointee.fs = fs
        let changed = old ^ new
        if changed & MStatus.MXR != 0 { emptyTranslations() }
        if changed & (MStatus.SUM | MStatus.MXR | MStatus.MPRV | MStatus.MPP) != 0 || wasOff != (fs == 0) { refreshRegime() }
    }

    private func setPending(_ value: UInt64, mask: UInt64) {
        signals.lower(mask & ~value)
        signals.raise(mask & value)
    }

    /// An unsupported MODE leaves satp as it was (privileged spec 12.1.11).
    private func setSATP(_ value: UInt64) {
        switch value &>> 60 {
        case 0, 8, 9, 10:
            state.pointee.satp = value
            refreshRegime()
        default: break
        }
    }

    /// The fields that menvcfg and senvcfg share. CBIE = 2 is reserved and keeps the old setting.
    private func environment(_ value: UInt64, old: UInt64) -> UInt64 {
        typealias E = EnvironmentConfiguration
        var mask = E.FIOM
        if extensions.contains(.zicbom) {
            mask |= E.CBCFE
            if value & E.CBIE != 2 &<< E.CBIEShift { mask |= E.CBIE }
        }
        if extensions.contains(.zicboz) { mask |= E.CBZE }
        return old & (E.CBIE & ~mask) | value & mask
    }
}
