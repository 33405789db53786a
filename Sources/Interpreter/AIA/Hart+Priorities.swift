import RISCV

// Who comes first with an AIA: mtopi, stopi and vstopi, which traps follow (AIA 1.0, chapters "Interrupts for Machine
// and Supervisor Levels" and "Interrupts for Virtual Machines").

/// The default priority order.
enum DefaultOrder {
    /// By number: 0 for the most urgent. Table "The standard major interrupt codes, listed in default priority order", and for
    /// numbers that are still reserved the note that says where they are meant to go; those for custom use, of which a
    /// guest's software may make virtual ones, follow from 63 down.
    static let rank: InlineArray<64, UInt8> = {
        var rank = InlineArray<64, UInt8>(repeating: 63)
        let order: InlineArray<61, UInt8> = [
            47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40,
            11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13,
            39, 19, 38, 37, 18, 36, 35, 17, 34, 33, 16, 32,
            15, 14, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 31, 30, 29, 28, 27, 26, 25, 24,
        ]
        for i in 0..<61 { rank[Int(order[i])] = UInt8(i) }
        return rank
    }()

    static func rank(_ number: UInt64) -> UInt64 { UInt64(rank[Int(truncatingIfNeeded: number & 63)]) }
}

/// An interrupt among those that ask for the same mode.
private struct Candidate {
    var number: UInt64
    /// 1 to 2047, or 0: by default order.
    var priority: UInt64
    /// Its default order puts it before the external interrupt.
    var precedesExternal: Bool

    /// Table "Effect of the machine-level iprio array": the least is the most urgent.
    var nominal: UInt64 { priority != 0 ? priority : precedesExternal ? 0 : 4096 }

    /// mtopi, stopi or vstopi for it.
    var top: UInt64 {
        let shown = priority == 0 ? precedesExternal ? 0 : 255 : min(priority, 255)
        return number &<< 16 | shown
    }
}

extension Hart {
    /// The interrupt to take in the present mode, by the number that its mode knows.
    var configuredInterrupt: (UInt64, TrapTarget)? {
        let s = state
        if s.pointee.pending & s.pointee.mie == 0 { return nil }
        let mode = s.pointee.mode
        if mode < .machine || s.pointee.mstatus & MStatus.MIE != 0 {
            let top = machineTop
            if top != 0 { return (top &>> 16, .machine) }
        }
        if mode == .machine { return nil }
        if mode == .user || s.pointee.virtual || s.pointee.mstatus & MStatus.SIE != 0 {
            let top = supervisorTop
            if top != 0 { return (top &>> 16, .supervisor) }
        }
        if s.pointee.virtual, mode == .user || s.pointee.vsstatus & MStatus.SIE != 0 {
            let top = guestTop
            if top != 0 { return (top &>> 16, .virtualSupervisor) }
        }
        return nil
    }

    /// Whether WFI ends: an interrupt is pending at some level, whatever the present mode ("WFI (Wait for Interrupt)
    /// instruction"; without an AIA, privileged spec 3.3.3).
    var wakes: Bool {
        let s = state
        if s.pointee.pending & s.pointee.mie == 0 { return false }
        guard hasAIA else { return true }
        return machineTop != 0 || supervisorTop != 0 || (extensions.contains(.h) && guestTop != 0)
    }

    /// mtopi.
    var machineTop: UInt64 {
        let ready = currentPending & state.pointee.mie & ~state.pointee.mideleg
        if ready == 0 { return 0 }
        guard let files, files.hasMachineFile else { return simpleTop(ready) }
        let first = choose(ready, external: 11, unlessZero(files.signal(files.machine))) { aia.machinePriorities[$0] }
        return first?.top ?? 0
    }

    /// stopi.
    var supervisorTop: UInt64 {
        let s = state
        let mip = currentPending
        let guests = mip & s.pointee.mie & hypervisorInterrupts
        let ready = (supervisorPending(mip) & supervisorEnabled | guests) & ~s.pointee.hideleg
        if ready == 0 { return 0 }
        guard let files else { return simpleTop(ready) }
        let first = choose(ready, external: 9, unlessZero(files.signal(InterruptFiles.supervisor))) {
            aia.supervisorPriorities[$0]
        }
        return first?.top ?? 0
    }

    /// vstopi, from its list of candidates: at most one external interrupt, and at most one other.
    var guestTop: UInt64 {
        typealias Control = VirtualInterruptControl
        let mip = currentPending
        let control = aia.hvictl
        let ready = guestPending(mip) & guestEnabled
        let injected = Control.injects(control)
        var first: Candidate?
        if control & Control.VTI == 0 {
            first = choose(ready & ~InterruptSet.supervisorExternal, external: 9, 0) { guestPriority($0) }
        } else if injected {
            first = Candidate(
                number: Control.identity(control), priority: control & Control.IPRIO,
                precedesExternal: control & Control.DPR == 0)
        }
        if ready & InterruptSet.supervisorExternal != 0 {
            let external = Candidate(number: 9, priority: guestExternalPriority, precedesExternal: false)
            if let other = first {
                let (mine, others) = (external.nominal, other.nominal)
                if mine < others || mine == others && !other.precedesExternal { first = external }
            } else {
                first = external
            }
        }
        guard let first else { return 0 }
        return control & Control.IPRIOM != 0 ? first.top : first.number &<< 16 | 1
    }

    /// The priority number of a virtual supervisor external interrupt.
    private var guestExternalPriority: UInt64 {
        typealias Control = VirtualInterruptControl
        if let files, let file = guestFile {
            let top = files.top(file)
            if top != 0 { return top }
        } else if state.pointee.hstatus & HStatus.VGEIN == 0, Control.identity(aia.hvictl) == 9, aia.hvictl & Control.IPRIO != 0 {
            return aia.hvictl & Control.IPRIO
        }
        return 256
    }

    /// hviprio1 and hviprio2.
    private func guestPriority(_ number: UInt64) -> UInt64 {
        switch number {
        case 1: aia.hviprio1 &>> 8 & 0xFF
        case 5: aia.hviprio1 &>> 24 & 0xFF
        case 13...15: aia.hviprio1 &>> ((number &- 8) &* 8) & 0xFF
        case 16...23: aia.hviprio2 &>> ((number &- 16) &* 8) & 0xFF
        default: 0
        }
    }

    /// An external interrupt that the interrupt file doesn't signal has the priority number 256 ("Configuring
    /// priorities of major interrupts at supervisor level").
    private func unlessZero(_ identity: UInt64) -> UInt64 { identity != 0 ? identity : 256 }

    /// Without interrupt files the iprio arrays are zero, and IPRIO needn't tell more than that.
    private func simpleTop(_ ready: UInt64) -> UInt64 {
        guard let first = choose(ready, external: 64, 0, { _ in 0 }) else { return 0 }
        return first.number &<< 16 | 1
    }

    /// The most urgent of `ready`. `external` is the number of the mode's own external interrupt, whose priority number
    /// comes from the interrupt file.
    @inline(__always)
    private func choose(
        _ ready: UInt64, external: UInt64, _ externalPriority: UInt64, _ priority: (UInt64) -> UInt64
    ) -> Candidate? {
        var rest = ready
        var best: Candidate?
        var bestRank: UInt64 = 0
        let externalRank = DefaultOrder.rank(external)
        while rest != 0 {
            let number = UInt64(truncatingIfNeeded: rest.trailingZeroBitCount)
            rest &= rest &- 1
            let rank = DefaultOrder.rank(number)
            let one = Candidate(
                number: number, priority: number == external ? externalPriority : priority(number),
                precedesExternal: rank < externalRank)
            if let now = best, now.nominal < one.nominal || now.nominal == one.nominal && bestRank < rank { continue }
            best = one
            bestRank = rank
        }
        return best
    }
}
