// Direct delivery: targets with priorities, and the IDC structures (AIA 1.0, sections 4.5.16 and 4.8). With the lock
// held, on sources and hart indexes that exist. In MSI delivery mode there are no such harts, and nothing happens.
extension APLIC.Domain {
    /// The hart index in `targets[source]`, if there is such a hart to be wired to.
    private func targetHart(_ source: Int) -> Int? {
        let hart = Int(targets[source] &>> 18)
        return hart < harts.count ? hart : nil
    }

    func setTarget(_ source: Int, _ value: UInt32) {
        guard active.contains(source) else { return }
        // IPRIO takes 1 for 0.
        let isZero = !sendsMessages && value & 0xFF == 0
        changeTarget(source, to: value & targetMask | (isZero ? 1 : 0))
        guard let hart = targetHart(source) else { return }
        harts[hart].targeted.insert(source)
        refresh(hart)
    }

    /// Sets target, and takes the source away from a hart that isn't its target any more.
    func changeTarget(_ source: Int, to value: UInt32, isInactive: Bool = false) {
        let old = targetHart(source)
        targets[source] = value
        guard let old, isInactive || old != targetHart(source) else { return }
        harts[old].targeted.remove(source)
        refresh(old)
    }

    func refreshTarget(of source: Int) {
        if let hart = targetHart(source) { refresh(hart) }
    }

    /// topi: the least priority number counts, then the least id, below the threshold if that isn't 0.
    func topInterrupt(_ hart: Int) -> UInt32 {
        var candidates = pending.intersection(enabled).intersection(harts[hart].targeted)
        var limit = harts[hart].threshold == 0 ? 0x100 : harts[hart].threshold
        var top: UInt32 = 0
        while let source = candidates.popLowest() {
            let priority = targets[source] & 0xFF
            guard priority < limit else { continue }
            limit = priority
            top = UInt32(truncatingIfNeeded: source) &<< 16 | priority
        }
        return top
    }

    /// A read of claimi.
    func claim(_ hart: Int) -> UInt32 {
        let top = topInterrupt(hart)
        let source = Int(top &>> 16)
        if top == 0 {
            harts[hart].isForced = false
            refresh(hart)
        } else if !modes[source].isLevelSensitive {
            endPending(source)
        }
        return top
    }

    func setDelivery(_ hart: Int, _ value: UInt32) {
        harts[hart].delivers = value & 1 != 0
        refresh(hart)
    }

    func setForce(_ hart: Int, _ value: UInt32) {
        harts[hart].isForced = value & 1 != 0
        refresh(hart)
    }

    func setThreshold(_ hart: Int, _ value: UInt32) {
        harts[hart].threshold = value & 0xFF
        refresh(hart)
    }

    /// Brings the hart's external interrupt up to date (AIA 1.0, section 4.8.2).
    func refresh(_ hart: Int) {
        let signal = isEnabled && harts[hart].delivers && (harts[hart].isForced || topInterrupt(hart) != 0)
        guard harts[hart].isSignaled != signal else { return }
        harts[hart].isSignaled = signal
        harts[hart].wire.set(signal)
    }
}
