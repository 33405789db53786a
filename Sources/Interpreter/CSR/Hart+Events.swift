import CHost
import RISCV

/// What hpm counters can count: all but the last two happens off the fast path, and these are worked out from the
/// instructions retired (`Hart+RetiredEvents`). The numbers are those of mhpmevent and belong to machine version
/// rvkvm-1.0.
enum HartEvent: UInt64 {
    case exception = 1
    case interrupt = 2
    case loadMiss = 3
    case storeMiss = 4
    case fetchMiss = 5
    case walk = 6
    case blockBuilt = 7
    case userExit = 8
    case cycle = 9
    case instruction = 10

    static let last: UInt64 = 10
}

/// mhpmcounter3 to 31 and mhpmevent3 to 31.
struct EventCounters {
    var values: InlineArray<32, UInt64> = .init(repeating: 0)
    var selectors: InlineArray<32, UInt64> = .init(repeating: 0)
    /// Bit n: some counter counts event n.
    var listening: UInt64 = 0

    /// Bit n: counter n counts cycles or instructions.
    var ofRetired: UInt32 = 0
    /// The number of instructions retired up to which these are complete, and the bit of mhpmevent for the mode since.
    var settled = 0
    var settledMode: UInt64 = 0
    /// Bit n: the instruction after `settled` wrote counter n.
    var written: UInt32 = 0
    /// The number of instructions retired at which the next overflow is looked for; the largest is never.
    var watchedFor = Int.max

    /// Fields of mhpmevent (Sscofpmf).
    enum Selector {
        static let event: UInt64 = 0xFF
        static let OF: UInt64 = 1 << 63
        static let MINH: UInt64 = 1 << 62
        static let SINH: UInt64 = 1 << 61
        static let UINH: UInt64 = 1 << 60
        static let VSINH: UInt64 = 1 << 59
        static let VUINH: UInt64 = 1 << 58
    }

    mutating func refresh() {
        listening = 0
        ofRetired = 0
        for i in 3..<32 {
            let event = selectors[i] & Selector.event
            listening |= 1 &<< (event & 63)
            if event == HartEvent.cycle.rawValue || event == HartEvent.instruction.rawValue { ofRetired |= 1 &<< UInt32(i) }
        }
        listening &= ~1
    }
}

extension Hart {
    @inline(__always)
    func count(_ event: HartEvent) {
        if events.listening &>> event.rawValue & 1 != 0 { countSlowly(event) }
    }

    private func countSlowly(_ event: HartEvent) {
        let inhibited = inhibitingBit
        for i in 3..<32 where events.selectors[i] & EventCounters.Selector.event == event.rawValue {
            if events.selectors[i] & inhibited != 0 || state.pointee.mcountinhibit &>> UInt64(i) & 1 != 0 { continue }
            events.values[i] &+= 1
            if events.values[i] == 0 { counterOverflowed(i) }
        }
    }

    /// nil when the register isn't one of these.
    func readEventCSR(_ csr: CSR) -> UInt64? {
        let i = Int(csr.rawValue & 31)
        settleCounters()
        switch csr.rawValue {
        case 0xB03...0xB1F, 0xC03...0xC1F: return events.values[i]
        case 0x323...0x33F: return events.selectors[i]
        case CSR.scountovf.rawValue:
            var bits: UInt64 = 0
            for i in 3..<32 { bits |= (events.selectors[i] &>> 63) &<< UInt64(i) }
            if state.pointee.mode != .machine { bits &= state.pointee.mcounteren }
            return state.pointee.virtual ? bits & state.pointee.hcounteren : bits
        default: return nil
        }
    }

    func writeEventCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        typealias Selector = EventCounters.Selector
        let i = Int(csr.rawValue & 31)
        switch csr.rawValue {
        case 0xB03...0xB1F:
            settleCounters()
            events.values[i] = value
            events.written |= 1 &<< UInt32(i)
        case 0x323...0x33F:
            let event = value & Selector.event
            var selector = event <= HartEvent.last ? event : 0
            if extensions.contains(.sscofpmf) {
                selector |= value & (Selector.OF | Selector.MINH | Selector.SINH | Selector.UINH)
                if extensions.contains(.h) { selector |= value & (Selector.VSINH | Selector.VUINH) }
            }
            settleCounters()
            events.selectors[i] = selector
            events.refresh()
        default: return false
        }
        countersChanged()
        return true
    }
}
