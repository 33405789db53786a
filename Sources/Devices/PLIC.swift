/// SiFive's platform-level interrupt controller (`sifive,plic-1.0.0`; RISC-V PLIC specification 1.0.0): 95
/// level-triggered sources with priorities 0 to 7.
///
/// Contexts are whatever the machine wires: `wires[c]` is where context c's notification goes, or nil for a context
/// that only has registers. Machine rvkvm-1.0 lays them out as QEMU's `virt` board: context 2h is M-mode of hart h,
/// 2h + 1 its S-mode.
///
/// A change touches only the contexts that enable the source in question, and a context's best interrupt is found
/// by set operations, one a priority, so no access looks at every source or every context.
package final class PLIC: MMIODevice, @unchecked Sendable {
    /// Sources have ids 1 to `sourceCount`; id 0 means none.
    package static let sourceCount = 95
    /// Priorities and thresholds run from 0 (never, or nothing masked) to this.
    package static let maximumPriority = 7
    /// 64 harts with two contexts each.
    package static let maximumContexts = Bits128.capacity

    struct Context {
        let wire: (any InterruptLine)?
        /// Sources this context takes.
        var enabled = Bits128()
        var threshold = 0
        /// The level on the wire.
        var isNotified = false
    }

    let lock = Lock()
    /// By context number.
    var contexts: [Context]
    /// By source id; index 0 is unused.
    var priorities = [UInt8](repeating: 0, count: sourceCount + 1)
    /// By priority: the sources that have it.
    var sourcesByPriority = [Bits128](repeating: Bits128(), count: maximumPriority + 1)
    /// By source id: the contexts that enable it.
    var listeners = [Bits128](repeating: Bits128(), count: sourceCount + 1)
    /// IP: requests that the gateways have forwarded and nobody has claimed.
    var pending = Bits128()
    /// Sources whose gateway waits for completion.
    var claimed = Bits128()
    /// The sources' levels. Changed with the lock held.
    private let levels = SourceLevels()

    /// A controller with one context for each of `wires`, at most `maximumContexts`; more are left out.
    package init(wires: [(any InterruptLine)?]) {
        contexts = wires.prefix(Self.maximumContexts).map { Context(wire: $0) }
        for source in 1...Self.sourceCount { sourcesByPriority[0].insert(source) }
    }

    /// The line into source `source`, or nil unless it is 1 to 95.
    package func line(source: Int) -> (any InterruptLine)? {
        guard source >= 1, source <= Self.sourceCount else { return nil }
        return SourceLine(plic: self, source: source)
    }

    /// Returns to the state at power-on: nothing enabled, every priority 0. Levels are the devices' and stay.
    package func reset() {
        lock.withLock {
            for source in 0...Self.sourceCount {
                priorities[source] = 0
                listeners[source] = Bits128()
            }
            for priority in 1...Self.maximumPriority {
                sourcesByPriority[0].formUnion(sourcesByPriority[priority])
                sourcesByPriority[priority] = Bits128()
            }
            claimed = Bits128()
            pending = levels.all
            for index in contexts.indices {
                contexts[index].enabled = Bits128()
                contexts[index].threshold = 0
                notify(index, false)
            }
        }
    }

    /// A device's end of a source.
    private final class SourceLine: InterruptLine {
        private let plic: PLIC
        private let source: Int

        init(plic: PLIC, source: Int) {
            self.plic = plic
            self.source = source
        }

        func set(_ level: Bool) { plic.setLevel(source, level) }
    }

    private func setLevel(_ source: Int, _ level: Bool) {
        guard self.levels.all.contains(source) != level else { return }
        lock.withLock {
            var levels = self.levels.all
            guard levels.contains(source) != level else { return }
            if level {
                levels.insert(source)
                if !claimed.contains(source) { request(source) }
            } else {
                // The request, once forwarded, isn't retracted (specification, "Interrupt Gateways").
                levels.remove(source)
            }
            self.levels.set(levels)
        }
    }

    /// Whether `source` is asserted; with the lock held.
    func isAsserted(_ source: Int) -> Bool { levels.all.contains(source) }
}
