import CHost
import RISCV

/// What hpm counters can count: all of it happens off the fast path. The numbers are those of mhpmevent and
/// belong to machine version rvkvm-1.0.
enum HartEvent: UInt64 {
    case exception = 1
    case interrupt = 2
    case loadMiss = 3
    case storeMiss = 4
    case fetchMiss = 5
    case walk = 6
    case blockBuilt = 7
    case userExit = 8

    static let last: UInt64 = 8
}

/// mhpmcounter3 to 31 and mhpmevent3 to 31.
struct EventCounters {
    var values: InlineArray<32, UInt64> = .init(repeating: 0)
    var selectors: InlineArray<32, UInt64> = .init(repeating: 0)
    /// Bit n: some counter counts event n.
    var listening: UInt64 = 0

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
        for i in 3..<32 { listening |= 1 &<< (selectors[i] & Selector.event & 63) }
        listening &= ~1
    }
}

extension Hart {
    @inline(__always)
    func count(_ event: HartEvent) {
        if events.listening &>> event.rawValue & 1 != 0 { countSlowly(event) }
    }

    private func countSlowly(_ event: HartEvent) {
        typealias Selector = EventCounters.Selector
        let inhibited: UInt64 =
            switch state.pointee.mode {
            case .machine: Selector.MINH
            case .supervisor: state.pointee.virtual ? Selector.VSINH : Selector.SINH
            case .user: state.pointee.virtual ? Selector.VUINH : Selector.UINH
            }
        for i in 3..<32 where events.selectors[i] & Selector.event == event.rawValue {
            if events.selectors[i] & inhibited != 0 || state.pointee.mcountinhibit &>> UInt64(i) & 1 != 0 { continue }
            events.values[i] &+= 1
            guard events.values[i] == 0, extensions.contains(.sscofpmf), events.selectors[i] & Selector.OF == 0 else { continue }
            events.selectors[i] |= Selector.OF
            signals.raise(InterruptSet.counterOverflow)
        }
    }

    /// nil when the register isn't one of these.
    func readEventCSR(_ csr: CSR) -> UInt64? {
        let i = Int(csr.rawValue & 31)
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
        case 0xB03...0xB1F: events.values[i] = value
        case 0x323...0x33F:
            let event = value & Selector.event
            var selector = event <= HartEvent.last ? event : 0
            if extensions.contains(.sscofpmf) {
                selector |= value & (Selector.OF | Selector.MINH | Selector.SINH | Selector.UINH)
                if extensions.contains(.h) { selector |= value & (Selector.VSINH | Selector.VUINH) }
            }
            events.selectors[i] = selector
            events.refresh()
        default: return false
        }
        return true
    }
}
