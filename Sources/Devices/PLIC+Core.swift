// Requests, notifications, claims and completions. Everything here runs with the lock held, on source ids and
// context numbers that exist.
extension PLIC {
    /// A gateway forwards a request: IP is set, and those who enable the source above their threshold hear of it.
    func request(_ source: Int) {
        guard !pending.contains(source) else { return }
        pending.insert(source)
        let priority = Int(priorities[source])
        guard priority > 0 else { return }
        var interested = listeners[source]
        while let context = interested.popLowest() {
            if priority > contexts[context].threshold { notify(context, true) }
        }
    }

    /// Claims the context's best pending interrupt: highest priority first, then lowest id; 0 without one. The
    /// threshold has no part in it (specification, "Interrupt Claim Process").
    func claim(_ context: Int) -> UInt32 {
        let candidates = pending.intersection(contexts[context].enabled)
        guard !candidates.isEmpty else { return 0 }
        var priority = Self.maximumPriority
        while priority > 0 {
            if let source = candidates.intersection(sourcesByPriority[priority]).lowest {
                pending.remove(source)
                claimed.insert(source)
                reconsiderListeners(of: source)
                return UInt32(truncatingIfNeeded: source)
            }
            priority &-= 1
        }
        return 0
    }

    /// Completion lets the gateway forward the source's next request, at once if it is still asserted. Ignored
    /// when the context doesn't enable the source (specification, "Interrupt Completion"), or when nobody has
    /// claimed it.
    func complete(_ context: Int, _ id: UInt32) {
        let source = Int(id)
        guard source >= 1, source <= Self.sourceCount, contexts[context].enabled.contains(source),
            claimed.contains(source)
        else { return }
        claimed.remove(source)
        if isAsserted(source) { request(source) }
    }

    func setPriority(_ source: Int, _ value: UInt32) {
        // WARL: the register has three bits, and every combination of them is a priority.
        let new = UInt8(truncatingIfNeeded: value & 7)
        let old = priorities[source]
        guard new != old else { return }
        priorities[source] = new
        sourcesByPriority[Int(old)].remove(source)
        sourcesByPriority[Int(new)].insert(source)
        if pending.contains(source) { reconsiderListeners(of: source) }
    }

    func setThreshold(_ context: Int, _ value: UInt32) {
        contexts[context].threshold = Int(value & 7)
        reconsider(context)
    }

    /// Sets which of the sources `word` × 32 ... `word` × 32 + 31 the context takes. Bits without a source stay 0.
    func setEnabled(_ context: Int, word: Int, _ value: UInt32) {
        var changed = Bits128()
        changed.set(word: word, to: value ^ contexts[context].enabled.word(word))
        while let source = changed.popLowest() {
            guard source >= 1, source <= Self.sourceCount else { continue }
            if contexts[context].enabled.contains(source) {
                contexts[context].enabled.remove(source)
                listeners[source].remove(context)
            } else {
                contexts[context].enabled.insert(source)
                listeners[source].insert(context)
            }
        }
        reconsider(context)
    }

    private func reconsiderListeners(of source: Int) {
        var interested = listeners[source]
        while let context = interested.popLowest() { reconsider(context) }
    }

    /// Brings the context's notification up to date (specification, "Interrupt Notifications").
    private func reconsider(_ context: Int) {
        let candidates = pending.intersection(contexts[context].enabled)
        var priority = candidates.isEmpty ? 0 : Self.maximumPriority
        while priority > contexts[context].threshold {
            if !candidates.intersection(sourcesByPriority[priority]).isEmpty { return notify(context, true) }
            priority &-= 1
        }
        notify(context, false)
    }

    /// Puts `level` on the context's wire if it isn't there yet.
    func notify(_ context: Int, _ level: Bool) {
        guard contexts[context].isNotified != level else { return }
        contexts[context].isNotified = level
        contexts[context].wire?.set(level)
    }
}
