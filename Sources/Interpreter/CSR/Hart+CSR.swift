import CHost
import RISCV

extension Hart {
    /// One CSR instruction. The exception to raise when it isn't allowed here, with nothing changed.
    ///
    /// - Parameter retired: instructions retired before this one
    func changeCSR(
        _ number: UInt16, _ change: CSRChange, _ operand: UInt64, reads: Bool, writes: Bool, rd: Int, retired: Int
    ) -> Exception? {
        guard let named = CSR(rawValue: number), !(writes && CSR.isReadOnly(number)) else { return .illegalInstruction }
        if let exception = exceptionOnAccess(to: named, writes: writes) { return exception }
        let csr = state.pointee.virtual ? named.ofGuest : named
        state.pointee.retired = retired
        // A claim is one step, not a read and a write.
        if hasAIA, let old = changeInterruptFile(csr, change, operand, writes: writes) {
            raw.setX(rd, old)
            return nil
        }
        let old = reads || change != .write ? readCSR(csr) : 0
        guard let old else { return .illegalInstruction }
        if writes {
            let value: UInt64
            switch change {
            case .write: value = operand
            case .set: value = modifiable(csr, old) | operand
            case .clear: value = modifiable(csr, old) & ~operand
            }
            // vsip shows bits of mip one further down.
            explicitBits = change == .write ? ~0 : csr == .vsip ? operand | operand &<< 1 : operand
            defer { explicitBits = ~0 }
            guard writeCSR(csr, value) else { return .illegalInstruction }
        }
        raw.setX(rd, old)
        return nil
    }

    /// What csrrs and csrrc start from: the value read, but for mip, whose SEIP reads with the wire's level and
    /// is modified without it (privileged spec 3.1.9).
    private func modifiable(_ csr: CSR, _ value: UInt64) -> UInt64 {
        guard csr == .mip else { return value }
        let soft = host_atomic_load_64(raw + HartLayout.pending) & HartSignals.externalSoftware
        return value & ~InterruptSet.supervisorExternal | (soft != 0 ? InterruptSet.supervisorExternal : 0)
    }

    /// Interrupts that S-mode may be given.
    var supervisorInterrupts: UInt64 {
        extensions.contains(.sscofpmf) ? InterruptSet.supervisor | InterruptSet.counterOverflow : InterruptSet.supervisor
    }

    /// mstatus with the fields that are kept elsewhere.
    var fullStatus: UInt64 {
        let fs = UInt64(floatStatus)
        return state.pointee.mstatus | fs &<< MStatus.FSShift | (fs == 3 ? MStatus.SD : 0)
    }

    @inline(__always)
    static var supervisorStatus: UInt64 {
        MStatus.SIE | MStatus.SPIE | MStatus.SPP | MStatus.FS | MStatus.SUM | MStatus.MXR
    }

    /// The register's value, or nil when it doesn't exist.
    func readCSR(_ csr: CSR) -> UInt64? {
        let s = state
        if hasAIA, let value = readInterruptCSR(csr) { return value }
        switch csr {
        case .fflags: return UInt64(s.pointee.fflags)
        case .frm: return UInt64(s.pointee.frm)
        case .fcsr: return UInt64(s.pointee.frm) &<< 5 | UInt64(s.pointee.fflags)

        case .time: return cluster.time &+ (s.pointee.virtual ? s.pointee.htimedelta : 0)
        case .cycle, .mcycle: return counter(0)
        case .instret, .minstret: return counter(2)

        case .sstatus: return fullStatus & (Self.supervisorStatus | MStatus.UXL | MStatus.SD)
        case .sie: return s.pointee.mie & s.pointee.mideleg & supervisorInterrupts
        case .sip: return presentPending & s.pointee.mideleg & supervisorInterrupts
        case .stvec: return s.pointee.stvec
        case .scounteren: return s.pointee.scounteren
        case .senvcfg: return s.pointee.senvcfg
        case .sscratch: return s.pointee.sscratch
        case .sepc: return s.pointee.sepc & returnAddressMask
        case .scause: return s.pointee.scause
        case .stval: return s.pointee.stval
        case .satp: return s.pointee.satp
        case .stimecmp: return s.pointee.stimecmp

        case .mvendorid: return identity.mvendorid
        case .marchid: return identity.marchid
        case .mimpid: return identity.mimpid
        case .mconfigptr: return 0
        case .mhartid: return UInt64(truncatingIfNeeded: id)
        case .mstatus: return fullStatus
        case .misa: return s.pointee.misa
        case .medeleg: return s.pointee.medeleg
        case .mideleg: return s.pointee.mideleg
        case .mie: return s.pointee.mie
        case .mip: return presentPending
        case .mtvec: return s.pointee.mtvec
        case .mcounteren: return s.pointee.mcounteren
        case .mcountinhibit: return s.pointee.mcountinhibit
        case .menvcfg: return s.pointee.menvcfg
        case .mscratch: return s.pointee.mscratch
        case .mepc: return s.pointee.mepc & returnAddressMask
        case .mcause: return s.pointee.mcause
        case .mtval: return s.pointee.mtval
        case .mseccfg: return s.pointee.mseccfg
        case .seed: return entropy()
        // No trigger is there, whichever is selected (debug spec, "Trigger Info").
        case .tinfo: return 1
        default: return readRange(csr)
        }
    }

    /// Registers that come in rows.
    private func readRange(_ csr: CSR) -> UInt64? {
        let number = csr.rawValue
        switch number {
        case 0x3A0...0x3AF: return number & 1 == 0 ? pmp.configs(from: Int(number & 15) &* 4) : nil
        case 0x3B0...0x3BF: return pmp.address(Int(number & 15))
        default: return readEventCSR(csr) ?? readStateEnable(csr) ?? readHypervisorCSR(csr) ?? (isReadOnlyZero(csr) ? 0 : nil)
        }
    }

    private func writeRange(_ csr: CSR, _ value: UInt64) -> Bool {
        let number = csr.rawValue
        switch number {
        case 0x3A0...0x3AF:
            guard number & 1 == 0 else { return false }
            pmp.setConfigs(from: Int(number & 15) &* 4, value)
            protectionChanged()
        case 0x3B0...0x3BF:
            pmp.setAddress(Int(number & 15), value)
            protectionChanged()
        default:
            return writeEventCSR(csr, value) || writeStateEnable(csr, value) || writeHypervisorCSR(csr, value)
                || isReadOnlyZero(csr)
        }
        return true
    }

    /// Registers that are there and hold nothing: PMP entries from 16 on, and the registers of triggers, of which
    /// there are none (debug spec, "Trigger Select").
    private func isReadOnlyZero(_ csr: CSR) -> Bool {
        switch csr.rawValue {
        case 0x3C0...0x3EF, 0x7A0...0x7A3: true
        default: false
        }
    }

    /// Writes what of `value` the register accepts. False when it doesn't exist.
    func writeCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        let s = state
        if hasAIA, writeInterruptCSR(csr, value) { return true }
        switch csr {
        case .fflags: setFloatControl(frm: s.pointee.frm, flags: UInt8(value & 31))
        case .frm: setFloatControl(frm: UInt8(value & 7), flags: s.pointee.fflags)
        case .fcsr: setFloatControl(frm: UInt8(value &>> 5 & 7), flags: UInt8(value & 31))

        case .mcycle: setCounter(0, value)
        case .minstret: setCounter(2, value)

        case .sstatus: setStatus(value, mask: Self.supervisorStatus)
        case .sie:
            let mask = s.pointee.mideleg & supervisorInterrupts
            s.pointee.mie = s.pointee.mie & ~mask | value & mask
        case .sip:
            setPending(
                value,
                mask: s.pointee.mideleg & supervisorInterrupts & (InterruptSet.supervisorSoftware | InterruptSet.counterOverflow))
        case .stvec: s.pointee.stvec = value & ~2
        case .scounteren: s.pointee.scounteren = value & 0xFFFF_FFFF
        case .senvcfg: s.pointee.senvcfg = environment(value, old: s.pointee.senvcfg)
        case .sscratch: s.pointee.sscratch = value
        case .sepc: s.pointee.sepc = value & ~1
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
                    | MStatus.TW | MStatus.TSR | (extensions.contains(.h) ? MStatus.MPV | MStatus.GVA : 0))
        case .misa: setMISA(value)
        case .medeleg: s.pointee.medeleg = value & (extensions.contains(.h) ? 0xF0_B7FF : 0xB3FF)
        case .mideleg: s.pointee.mideleg = value & supervisorInterrupts | guestInterrupts
        case .mie: s.pointee.mie = value & (supervisorInterrupts | InterruptSet.machine | guestInterrupts)
        case .mip:
            // STIP belongs to stimecmp once Sstc is on.
            let fixed = InterruptSet.supervisorExternal | (hasSupervisorTimer ? InterruptSet.supervisorTimer : 0)
            setPending(value, mask: supervisorInterrupts & ~fixed | guestInterrupts & InterruptSet.virtualSupervisorSoftware)
            signals.setSupervisorExternal(value & InterruptSet.supervisorExternal != 0, byWire: false)
        case .mtvec: s.pointee.mtvec = value & ~2
        case .mcounteren: s.pointee.mcounteren = value & 0xFFFF_FFFF
        case .mcountinhibit: inhibitCounters(value & 0xFFFF_FFFD)
        case .menvcfg:
            let fixed = environment(value, old: s.pointee.menvcfg)
            var more: UInt64 = 0
            if extensions.contains(.sstc) { more |= EnvironmentConfiguration.STCE }
            if extensions.contains(.svpbmt) { more |= EnvironmentConfiguration.PBMTE }
            if extensions.contains(.svadu) { more |= EnvironmentConfiguration.ADUE }
            let changed = s.pointee.menvcfg ^ (fixed | value & more)
            s.pointee.menvcfg = fixed | value & more
            if changed & EnvironmentConfiguration.STCE != 0 {
                signals.lower(InterruptSet.supervisorTimer)
                updateTimer()
                updateVirtualTimer()
            }
            emptyTranslations()
            refreshRegime()
        case .mscratch: s.pointee.mscratch = value
        case .mepc: s.pointee.mepc = value & ~1
        case .mcause: s.pointee.mcause = value
        case .mtval: s.pointee.mtval = value
        case .mseccfg: setSecurityConfiguration(value)
        case .seed, .tinfo: break
        default: return writeRange(csr, value)
        }
        return true
    }

    /// Instructions start at multiples of 2 with C, of 4 without (privileged spec 3.1.14).
    var returnAddressMask: UInt64 { extensions.contains(.c) ? ~1 : ~3 }

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
        // Without F there is no state to be off or dirty.
        let fs = extensions.contains(.f) ? UInt8(truncatingIfNeeded: value &>> MStatus.FSShift & 3) : 0
        let wasOff = s.pointee.fs == 0
        s.pointee.mstatus = new
        floatStatus = fs
        let changed = old ^ new
        if changed & MStatus.MXR != 0 { emptyTranslations() }
        if changed & (MStatus.SUM | MStatus.MXR | MStatus.MPRV | MStatus.MPP | MStatus.MPV) != 0 || wasOff != (s.pointee.fs == 0) {
            refreshRegime()
        }
    }

    /// Writes bits of mip. Those that csrrs or csrrc doesn't name aren't written, not even with what they were: another
    /// hart may have changed them since (unprivileged spec, "Zicsr").
    func setPending(_ value: UInt64, mask: UInt64) {
        let mask = mask & explicitBits
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

    /// The fields that menvcfg, henvcfg and senvcfg share. CBIE = 2 is reserved and keeps the old setting.
    func environment(_ value: UInt64, old: UInt64) -> UInt64 {
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
