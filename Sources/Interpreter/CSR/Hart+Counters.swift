extension Hart {
    // mcycle and minstret count the same thing: an interpreter has no clock but its instructions. While
    // mcountinhibit stops one, its offset holds the value itself.

    private func offset(_ number: Int) -> UInt64 {
        number == 0 ? state.pointee.cycleOffset : state.pointee.instretOffset
    }

    private func setOffset(_ number: Int, _ value: UInt64) {
        if number == 0 { state.pointee.cycleOffset = value } else { state.pointee.instretOffset = value }
    }

    private func isInhibited(_ number: Int) -> Bool {
        state.pointee.mcountinhibit &>> UInt64(truncatingIfNeeded: number) & 1 != 0
    }

    private var retired: UInt64 { UInt64(bitPattern: Int64(state.pointee.retired)) }

    /// Counter 0 (cycle) or 2 (instret) before the current instruction.
    func counter(_ number: Int) -> UInt64 {
        isInhibited(number) ? offset(number) : retired &+ offset(number)
    }

    /// The next instruction reads what was written: the writing one counts before its write
    /// (privileged spec 3.1.10).
    func setCounter(_ number: Int, _ value: UInt64) {
        setOffset(number, isInhibited(number) ? value : value &- retired &- 1)
    }

    func inhibitCounters(_ value: UInt64) {
        settleCounters()
        let values = (counter(0), counter(2))
        state.pointee.mcountinhibit = value
        for (number, now) in [(0, values.0), (2, values.1)] {
            setOffset(number, isInhibited(number) ? now : now &- retired)
        }
        countersChanged()
    }
}
