// Source modes, delegation and pending bits (AIA 1.0, sections 4.5.2 and 4.7). Everything but `setLevel` runs with
// the lock held, on sources that exist.
extension APLIC.Domain {
    /// The level on a source's wire, told to the root domain.
    func setLevel(_ source: Int, _ level: Bool) {
        guard shared.levels.all.contains(source) != level else { return }
        shared.lock.withLock {
            var levels = shared.levels.all
            guard levels.contains(source) != level else { return }
            if level { levels.insert(source) } else { levels.remove(source) }
            shared.levels.set(levels)
            var owner = self
            while owner.delegated.contains(source), let child = owner.child { owner = child }
            owner.inputChanged(source)
        }
    }

    private func inputChanged(_ source: Int) {
        guard wired.contains(source) else { return }
        if rectified.contains(source) {
            makePending(source)
        } else if modes[source].isLevelSensitive {
            endPending(source)
        }
    }

    // MARK: sourcecfg

    func readConfiguration(_ source: Int) -> UInt32 {
        // The only child has index 0.
        delegated.contains(source) ? Self.delegateBit : modes[source].rawValue
    }

    func writeConfiguration(_ source: Int, _ value: UInt32) {
        guard implemented.contains(source) else { return }
        guard value & Self.delegateBit == 0 else {
            setMode(source, .inactive)
            guard let child, !delegated.contains(source) else { return }
            delegated.insert(source)
            child.implemented.insert(source)
            return
        }
        if delegated.contains(source) {
            delegated.remove(source)
            child?.withdraw(source)
        }
        setMode(source, APLIC.SourceMode(written: value))
    }

    private static let delegateBit: UInt32 = 1 << 10

    /// The parent takes a source back: here it is as though there were none.
    private func withdraw(_ source: Int) {
        writeConfiguration(source, 0)
        implemented.remove(source)
    }

    private func setMode(_ source: Int, _ mode: APLIC.SourceMode) {
        modes[source] = mode
        wired.remove(source)
        inverted.remove(source)
        guard mode != .inactive else { return deactivate(source) }
        if !active.contains(source) {
            active.insert(source)
            // Unspecified; IPRIO is never 0.
            setTarget(source, 0)
        }
        if mode.isWired { wired.insert(source) }
        if mode.isInverted { inverted.insert(source) }
        // What is asserted already is an interrupt to a level-sensitive source. Nobody saw an edge.
        if mode.isLevelSensitive { inputChanged(source) }
    }

    private func deactivate(_ source: Int) {
        guard active.contains(source) else { return }
        endPending(source)
        active.remove(source)
        enabled.remove(source)
        changeTarget(source, to: 0, isInactive: true)
    }

    // MARK: Pending and enable bits

    /// setip and setipnum.
    func requestPending(_ sources: Bits128) {
        var rest = sources.intersection(active)
        while let source = rest.popLowest() {
            if modes[source].isLevelSensitive {
                guard sendsMessages, rectified.contains(source) else { continue }
            }
            makePending(source)
        }
    }

    /// in_clrip and clripnum.
    func requestClearing(_ sources: Bits128) {
        var rest = sources.intersection(active)
        while let source = rest.popLowest() {
            if modes[source].isLevelSensitive, !sendsMessages { continue }
            endPending(source)
        }
    }

    /// setie and setienum.
    func enable(_ sources: Bits128) {
        var rest = sources.intersection(active)
        while let source = rest.popLowest() {
            guard !enabled.contains(source) else { continue }
            enabled.insert(source)
            if pending.contains(source) { deliver(source) }
        }
    }

    /// clrie and clrienum.
    func disable(_ sources: Bits128) {
        var rest = sources.intersection(enabled)
        while let source = rest.popLowest() {
            enabled.remove(source)
            if pending.contains(source) { refreshTarget(of: source) }
        }
    }

    private func makePending(_ source: Int) {
        guard !pending.contains(source) else { return }
        pending.insert(source)
        if enabled.contains(source) { deliver(source) }
    }

    func endPending(_ source: Int) {
        guard pending.contains(source) else { return }
        pending.remove(source)
        if enabled.contains(source) { refreshTarget(of: source) }
    }

    /// The source has become pending and enabled.
    private func deliver(_ source: Int) {
        if sendsMessages { forward(source) } else { refreshTarget(of: source) }
    }

    // MARK: domaincfg

    func readDomainConfiguration() -> UInt32 { 0x8000_0000 | (isEnabled ? 1 << 8 : 0) | (sendsMessages ? 1 << 2 : 0) }

    func writeDomainConfiguration(_ value: UInt32) {
        isEnabled = value & 1 << 8 != 0
        for hart in harts.indices { refresh(hart) }
        guard isEnabled, sendsMessages else { return }
        var ready = pending.intersection(enabled)
        while let source = ready.popLowest() { forward(source) }
    }
}
