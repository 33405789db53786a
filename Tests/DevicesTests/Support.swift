import Devices

/// Remembers the level and every change.
final class FakeLine: InterruptLine, @unchecked Sendable {
    private(set) var level = false
    /// Calls to `set`, repeated levels included.
    private(set) var calls = 0
    private(set) var edges: [Bool] = []

    func set(_ level: Bool) {
        calls += 1
        if level != self.level { edges.append(level) }
        self.level = level
    }
}

/// Collects what a port transmits.
final class FakeSink: ByteSink, @unchecked Sendable {
    private(set) var bytes: [UInt8] = []
    var text: String { String(decoding: bytes, as: UTF8.self) }
    func write(_ bytes: UnsafeRawBufferPointer) { self.bytes += Array(bytes) }
}

/// A device that remembers accesses and answers a fixed value.
final class FakeDevice: MMIODevice, @unchecked Sendable {
    struct Access: Equatable { var offset: UInt64, width: Int, value: UInt64? }
    private(set) var accesses: [Access] = []
    let answer: UInt64
    init(answer: UInt64 = 0) { self.answer = answer }

    func read(offset: UInt64, width: Int) -> UInt64 {
        accesses.append(Access(offset: offset, width: width, value: nil))
        return answer
    }
    func write(offset: UInt64, width: Int, value: UInt64) {
        accesses.append(Access(offset: offset, width: width, value: value))
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// A clock that stands still until told otherwise.
final class FakeClock: AlarmClock, @unchecked Sendable {
    var time: UInt64
    private(set) var armed: (deadline: UInt64, target: any AlarmTarget)?
    init(time: UInt64) { self.time = time }

    func now() -> UInt64 { time }
    func arm(deadline: UInt64, target: any AlarmTarget) { armed = (deadline, target) }
    func disarm() { armed = nil }

    /// Moves on and delivers the alarm if it is due.
    func advance(by nanoseconds: UInt64) {
        time &+= nanoseconds
        guard let due = armed, due.deadline <= time else { return }
        armed = nil
        due.target.alarm()
    }
}
