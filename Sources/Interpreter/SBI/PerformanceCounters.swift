import CHost

/// The firmware events that happen in this engine (SBI 3.0, chapter 11, "Event: Firmware Events"): their codes.
enum FirmwareEvent: UInt64 {
    case setTimer = 5
    case ipiSent = 6
    case ipiReceived = 7
    case fenceInstructionSent = 8
    case fenceInstructionReceived = 9
    case fenceSent = 10
    case fenceReceived = 11
    case fenceASIDSent = 12
    case fenceASIDReceived = 13
    case guestPhysicalFenceSent = 14
    case guestPhysicalFenceReceived = 15
    case guestPhysicalFenceVMIDSent = 16
    case guestPhysicalFenceVMIDReceived = 17
    case guestFenceSent = 18
    case guestFenceReceived = 19
    case guestFenceASIDSent = 20
    case guestFenceASIDReceived = 21

    static let codes: ClosedRange<UInt64> = 5...13
    /// HFENCE calls: there is none to count without H.
    static let guestCodes: ClosedRange<UInt64> = 14...21
}

/// What PMU calls have made of a hart's counters.
///
/// Counters 0 (cycle), 2 (instret) and 3 to 31 (hpmcounters) are CSRs; those behind them count firmware events. 1
/// would be `time` and isn't a counter.
struct PerformanceCounters {
    static let csrs = 32
    static let firmware = 16
    static let count = csrs + firmware

    /// Bit n: counter n was configured, or runs.
    var configured: UInt64 = 0
    var running: UInt64 = 0
    /// A firmware counter's event, and what to add to its total: while it stands still, the value itself.
    var events: InlineArray<16, UInt64> = .init(repeating: 0)
    var offsets: InlineArray<16, UInt64> = .init(repeating: 0)
}

/// How often each firmware event has happened to a hart. Other harts count here as well.
struct FirmwareTotals {
    private let memory: UnsafeMutableRawPointer

    init() {
        memory = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 64)
        host_fill(memory, 0, 256)
    }

    func release() { memory.deallocate() }

    func add(_ event: FirmwareEvent) { _ = host_atomic_add_64(memory + 8 &* Int(event.rawValue), 1) }
    subscript(code: UInt64) -> UInt64 { host_atomic_load_64(memory + 8 &* Int(code & 31)) }
}
