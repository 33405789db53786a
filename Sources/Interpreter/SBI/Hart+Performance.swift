import RISCV

extension Hart {
    func count(_ event: FirmwareEvent) { firmwareTotals.add(event) }

    /// PMU (SBI 3.0, chapter 11).
    func countPerformance(_ function: UInt64) -> SBI.Result {
        switch function {
        case 0: .value(UInt64(PerformanceCounters.count))
        case 1: describeCounter(a(0))
        case 2: configureCounter()
        case 3: startCounters()
        case 4: stopCounters()
        case 5: firmwareIndex(a(0)).map { .value(firmwareValue($0)) } ?? .invalidParameter
        // The high half of a counter is for RV32.
        case 6: firmwareIndex(a(0)) == nil ? .invalidParameter : .value(0)
        case 8: describeEvents()
        // Snapshots, and what isn't defined.
        default: .notSupported
        }
    }

    // MARK: Counters

    private func isCounter(_ n: UInt64) -> Bool { n < UInt64(PerformanceCounters.count) && n != 1 }

    private func firmwareIndex(_ n: UInt64) -> Int? {
        n >= UInt64(PerformanceCounters.csrs) && isCounter(n) ? Int(n) - PerformanceCounters.csrs : nil
    }

    /// counter_info: the CSR in bits 11 to 0 and its width − 1 in 17 to 12, or bit 63 for a firmware counter.
    private func describeCounter(_ n: UInt64) -> SBI.Result {
        guard isCounter(n) else { return .invalidParameter }
        return .value(firmwareIndex(n) == nil ? 63 &<< 12 | UInt64(CSR.cycle.rawValue) &+ n : 1 &<< 63)
    }

    /// The counters that base and mask name; nil when one of them doesn't exist.
    private func chosenCounters() -> UInt64? {
        let base = a(0)
        let mask = a(1)
        guard base < UInt64(PerformanceCounters.count), (mask &<< base) &>> base == mask else { return nil }
        let chosen = mask &<< base
        guard chosen &>> UInt64(PerformanceCounters.count) == 0 else { return nil }
        return chosen
    }

    // MARK: Events

    /// What counts an event.
    private enum Source {
        /// cycle or instret; where it can't, a counter of this event.
        case fixed(UInt64, HartEvent)
        case hart(HartEvent)
        case firmware(UInt64)
    }

    /// The source for an event_idx (type in bits 19 to 16, code below) and its data; nil when nothing counts it.
    private func source(_ index: UInt64, _ data: UInt64) -> Source? {
        let code = index & 0xFFFF
        switch index &>> 16 {
        case 0:
            switch code {
            case 1: return .fixed(0, .cycle)
            case 2: return .fixed(2, .instruction)
            default: return nil
            }
        case 1:
            // cache_id << 3 | op << 1 | result; misses of the TLBs are what an interpreter knows.
            switch code {
            case 3 &<< 3 | 0 &<< 1 | 1: return .hart(.loadMiss)
            case 3 &<< 3 | 1 &<< 1 | 1: return .hart(.storeMiss)
            case 4 &<< 3 | 0 &<< 1 | 1: return .hart(.fetchMiss)
            default: return nil
            }
        // Raw events: the numbers of mhpmevent.
        case 2, 3: return code == 0 ? HartEvent(rawValue: data).map { .hart($0) } : nil
        case 15:
            let known =
                FirmwareEvent.codes.contains(code)
                || extensions.contains(.h) && FirmwareEvent.guestCodes.contains(code)
            return known ? .firmware(code) : nil
        default: return nil
        }
    }

    private enum ConfigureFlag {
        static let skipMatch: UInt64 = 1
        static let clearValue: UInt64 = 2
        static let autoStart: UInt64 = 4
        static let inhibitVU: UInt64 = 1 << 3
        static let inhibitVS: UInt64 = 1 << 4
        static let inhibitU: UInt64 = 1 << 5
        static let inhibitS: UInt64 = 1 << 6
        static let inhibitM: UInt64 = 1 << 7
        static let all: UInt64 = 0xFF
    }

    /// hpmcounter3 to 31.
    private static let programmable: UInt64 = 0xFFFF_FFF8

    private func configureCounter() -> SBI.Result {
        typealias Flag = ConfigureFlag
        let flags = a(2)
        guard var free = chosenCounters(), free != 0, flags & ~Flag.all == 0 else { return .invalidParameter }
        let number: UInt64
        if flags & Flag.skipMatch != 0 {
            // The caller knows its counter: one that it configured before.
            number = UInt64(free.trailingZeroBitCount)
            guard performance.configured &>> number & 1 != 0 else { return .invalidParameter }
        } else {
            guard a(3) &>> 20 == 0, var source = source(a(3), a(4)) else { return .notSupported }
            free &= ~performance.configured
            // cycle and instret have no filter and no overflow interrupt.
            if case .fixed(_, let event) = source, extensions.contains(.sscofpmf), free & Self.programmable != 0 {
                source = .hart(event)
            }
            switch source {
            case .fixed(let n, _): free &= 1 &<< n
            case .hart: free &= Self.programmable
            case .firmware: free &= ~0xFFFF_FFFF
            }
            guard free != 0 else { return .notSupported }
            number = UInt64(free.trailingZeroBitCount)
            select(source, for: number, flags)
            performance.configured |= 1 &<< number
        }
        if flags & Flag.clearValue != 0 { setValue(of: number, 0) }
        if flags & Flag.autoStart != 0 { run(number, true) }
        return .value(number)
    }

    private func select(_ source: Source, for number: UInt64, _ flags: UInt64) {
        run(number, false)
        switch source {
        case .fixed: break
        case .hart(let event):
            var selector = event.rawValue
            if flags & ConfigureFlag.inhibitVU != 0 { selector |= EventCounters.Selector.VUINH }
            if flags & ConfigureFlag.inhibitVS != 0 { selector |= EventCounters.Selector.VSINH }
            if flags & ConfigureFlag.inhibitU != 0 { selector |= EventCounters.Selector.UINH }
            if flags & ConfigureFlag.inhibitS != 0 { selector |= EventCounters.Selector.SINH }
            if flags & ConfigureFlag.inhibitM != 0 { selector |= EventCounters.Selector.MINH }
            settleCounters()
            events.selectors[Int(number & 31)] = selector
            events.refresh()
            countersChanged()
        case .firmware(let code):
            if let i = firmwareIndex(number) { performance.events[i] = code }
        }
    }

    // MARK: Running

    private func startCounters() -> SBI.Result {
        let setsValue: UInt64 = 1
        // Bit 1 takes the values from a snapshot, and there are none.
        guard let chosen = chosenCounters(), a(2) & ~setsValue == 0 else { return .invalidParameter }
        return forEach(chosen) { number in
            if performance.running &>> number & 1 != 0 { return .alreadyStarted }
            if a(2) & setsValue != 0 { setValue(of: number, a(3)) }
            run(number, true)
            return .success
        }
    }

    private func stopCounters() -> SBI.Result {
        let resets: UInt64 = 1
        guard let chosen = chosenCounters(), a(2) & ~resets == 0 else { return .invalidParameter }
        return forEach(chosen) { number in
            let wasRunning = performance.running &>> number & 1 != 0
            run(number, false)
            if a(2) & resets != 0 { release(number) }
            return wasRunning ? .success : .alreadyStopped
        }
    }

    /// Every counter gets its turn; the last error counts.
    private func forEach(_ chosen: UInt64, _ body: (UInt64) -> SBI.Result) -> SBI.Result {
        var result = SBI.Result.success
        var rest = chosen & ~2
        if rest != chosen { result = .invalidParameter }
        while rest != 0 {
            let one = body(UInt64(rest.trailingZeroBitCount))
            if one.error != 0 { result = one }
            rest &= rest &- 1
        }
        return result
    }

    private func run(_ number: UInt64, _ on: Bool) {
        let bit: UInt64 = 1 &<< number
        if let i = firmwareIndex(number) {
            let total = firmwareTotals[performance.events[i]]
            if on, performance.running & bit == 0 { performance.offsets[i] &-= total }
            if !on, performance.running & bit != 0 { performance.offsets[i] &+= total }
        } else {
            // A start arms the overflow interrupt, unless the last one waits to be served.
            if on, currentPending & InterruptSet.counterOverflow == 0 {
                events.selectors[Int(number & 31)] &= ~EventCounters.Selector.OF
            }
            inhibitCounters(state.pointee.mcountinhibit & ~bit | (on ? 0 : bit))
        }
        performance.running = performance.running & ~bit | (on ? bit : 0)
    }

    /// Takes the event from a counter that stands still.
    private func release(_ number: UInt64) {
        performance.configured &= ~(1 &<< number)
        if firmwareIndex(number) == nil, number >= 3 {
            settleCounters()
            events.selectors[Int(number & 31)] = 0
            events.refresh()
            countersChanged()
        }
    }

    // MARK: Values

    private func firmwareValue(_ i: Int) -> UInt64 {
        let runs = performance.running &>> UInt64(i &+ PerformanceCounters.csrs) & 1 != 0
        return performance.offsets[i] &+ (runs ? firmwareTotals[performance.events[i]] : 0)
    }

    private func setValue(of number: UInt64, _ value: UInt64) {
        if let i = firmwareIndex(number) {
            let runs = performance.running &>> number & 1 != 0
            performance.offsets[i] = runs ? value &- firmwareTotals[performance.events[i]] : value
        } else if number < 3 {
            setCounter(Int(number), value)
        } else {
            settleCounters()
            events.values[Int(number & 31)] = value
            countersChanged()
        }
    }

    /// event_get_info: says of each 16-byte entry at a physical address whether its event can be counted.
    private func describeEvents() -> SBI.Result {
        let entries = a(2)
        guard a(3) == 0, a(0) & 15 == 0, entries > 0 else { return .invalidParameter }
        guard a(1) == 0, entries <= 1 << 20, let host = writableRAM(a(0), entries &* 16) else { return .invalidAddress }
        for i in 0..<Int(entries) {
            let entry = host + 16 &* i
            let index = UInt64(entry.loadUnaligned(as: UInt32.self))
            let data = entry.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let counts = index &>> 20 == 0 && source(index, data) != nil
            entry.storeBytes(of: counts ? 1 : 0, toByteOffset: 4, as: UInt32.self)
        }
        return .success
    }
}
