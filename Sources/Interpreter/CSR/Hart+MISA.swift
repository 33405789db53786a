import RISCV

extension Hart {
    private static func letter(_ name: Unicode.Scalar) -> UInt64 { 1 &<< UInt64(name.value &- 0x41) }

    /// misa after reset: MXL = 2 and the letters of what the machine has (privileged spec, "Machine ISA Register").
    var implementedMISA: UInt64 { Self.misa(implemented) }

    private static func misa(_ extensions: Extensions) -> UInt64 {
        var value: UInt64 = 2 << 62 | letter("I") | letter("S") | letter("U")
        for (one, name) in letters where extensions.contains(one) { value |= letter(name) }
        return value
    }

    /// The letters that may be switched off.
    private static let letters: [(Extension, Unicode.Scalar)] = [
        (.m, "M"), (.a, "A"), (.f, "F"), (.d, "D"), (.c, "C"), (.b, "B"), (.v, "V"), (.h, "H"),
    ]

    /// Switches extensions, and with each of them those that need it. A write that would leave the next
    /// instruction misaligned changes nothing.
    func setMISA(_ value: UInt64) {
        var wanted = implemented
        for (one, name) in Self.letters where value & Self.letter(name) == 0 { wanted.remove(one) }
        while let orphan = wanted.missingRequirement?.extension { wanted.remove(orphan) }
        if wanted == extensions { return }
        // csr instructions have four bytes.
        if !wanted.contains(.c), (state.pointee.pc &+ 4) & 3 != 0 { return }
        extensions = wanted
        state.pointee.misa = Self.misa(wanted)
        if !wanted.contains(.f) {
            floatStatus = 0
            guestFloatStatus = 0
        }
        if !wanted.contains(.h) { leaveHypervisor() }
        state.pointee.mideleg = state.pointee.mideleg & ~InterruptSet.virtualSupervisor | guestInterrupts
        hypervisorSwitched()
        discardBlocks()
        refreshRegime()
    }

    /// Without H there are no guests, and none of their interrupts.
    private func leaveHypervisor() {
        let s = state
        s.pointee.mstatus &= ~(MStatus.MPV | MStatus.GVA)
        s.pointee.mie &= ~InterruptSet.virtualSupervisor
        s.pointee.hstatus = 0
        s.pointee.hideleg = 0
        s.pointee.hedeleg = 0
        signals.lower(InterruptSet.virtualSupervisor)
        signals.setVirtualInterrupts(0)
        clearTrapDetails()
    }
}
