import Devices
import Testing

@Suite struct RTCTests {
    private static let start: UInt64 = 0x17E1_2345_89AB_CDEF
    private let clock = FakeClock(time: start)
    private let line = FakeLine()
    private let rtc: GoldfishRTC

    init() { rtc = GoldfishRTC(line: line, clock: clock) }

    private func get(_ offset: UInt64) -> UInt64 { rtc.read(offset: offset, width: 4) }
    private func put(_ offset: UInt64, _ value: UInt64) { rtc.write(offset: offset, width: 4, value: value & 0xFFFF_FFFF) }
    private func time() -> UInt64 {
        let low = get(0x00)
        return get(0x04) << 32 | low
    }
    /// In Linux's order: high half, low half, enable.
    private func setAlarm(_ at: UInt64, enable: Bool = true) {
        put(0x0C, at >> 32)
        put(0x08, at)
        if enable { put(0x10, 1) }
    }

    @Test func tellsTheHostsTime() { #expect(time() == Self.start) }

    @Test func lowHalfLatchesTheHighHalf() {
        clock.time = 0x0000_0001_FFFF_FFFF
        #expect(get(0x00) == 0xFFFF_FFFF)
        clock.time = 0x0000_0002_0000_0000
        #expect(get(0x04) == 1)
        #expect(get(0x00) == 0)
        #expect(get(0x04) == 2)
    }

    @Test func eightByteReadIsWhole() {
        #expect(rtc.read(offset: 0, width: 8) == Self.start)
    }

    @Test func guestSetsTheTime() {
        let wanted: UInt64 = 0x0DE0_B6B3_A764_0000
        put(0x04, wanted >> 32)
        put(0x00, wanted)
        #expect(time() == wanted)
        clock.advance(by: 5_000_000_000)
        #expect(time() == wanted + 5_000_000_000)
        rtc.reset()
        #expect(time() == clock.time)
    }

    @Test func alarmFires() {
        setAlarm(Self.start + 1_000)
        #expect(get(0x18) == 1)
        #expect(get(0x10) == 1)
        #expect(get(0x0C) << 32 | get(0x08) == Self.start + 1_000)
        clock.advance(by: 999)
        #expect(line.level == false)
        clock.advance(by: 1)
        #expect(line.level)
        #expect(get(0x18) == 0)
        put(0x1C, 0)
        #expect(line.level == false)
        clock.advance(by: 1 << 40)
        #expect(line.edges == [true, false], "once")
    }

    @Test func pastAlarmFiresAtOnce() {
        setAlarm(Self.start - 1)
        #expect(line.level)
        #expect(get(0x18) == 0)
    }

    @Test func disabledInterruptIsRemembered() {
        setAlarm(Self.start + 10, enable: false)
        clock.advance(by: 10)
        #expect(line.level == false)
        put(0x10, 1)
        #expect(line.level)
        put(0x10, 0)
        #expect(line.level == false)
        put(0x10, 0xFFFF_FFFE)
        #expect(get(0x10) == 0, "one bit")
    }

    @Test func clearedAlarmDoesNotFire() {
        setAlarm(Self.start + 10)
        put(0x14, 0)
        #expect(get(0x18) == 0)
        #expect(clock.armed == nil)
        clock.advance(by: 100)
        #expect(line.level == false)
    }

    /// One that was under way when it was cleared or moved.
    @Test func lateAlarmIsIgnored() {
        setAlarm(Self.start + 10)
        let target = clock.armed?.target
        put(0x14, 0)
        clock.time += 50
        target?.alarm()
        #expect(line.level == false)
        setAlarm(Self.start + 100)
        target?.alarm()
        #expect(line.level == false)
        clock.advance(by: 50)
        #expect(line.level)
    }

    @Test func alarmFollowsTheGuestsTime() {
        let wanted: UInt64 = 0x0DE0_B6B3_A764_0000
        put(0x04, wanted >> 32)
        put(0x00, wanted)
        setAlarm(wanted + 500)
        #expect(clock.armed?.deadline == Self.start + 500)
        // Set forward by 400 ns.
        put(0x04, wanted >> 32)
        put(0x00, wanted + 400)
        clock.advance(by: 99)
        #expect(line.level == false)
        clock.advance(by: 1)
        #expect(line.level)
    }

    @Test func alarmBeyondTheEndOfTime() {
        put(0x04, 0)
        put(0x00, 0)
        setAlarm(~0)
        #expect(clock.armed?.deadline == ~0)
        #expect(line.level == false)
    }

    @Test func otherAccessesDoNothing() {
        setAlarm(Self.start + 10)
        #expect(get(0x20) == 0)
        #expect(rtc.read(offset: 0, width: 1) == 0)
        #expect(rtc.read(offset: 2, width: 4) == 0)
        rtc.write(offset: 0x14, width: 1, value: 0)
        #expect(get(0x18) == 1)
        put(0x18, 0)
        #expect(get(0x18) == 1, "read-only")
    }
}

@Suite struct HostAlarmClockTests {
    private final class Target: AlarmTarget, @unchecked Sendable {
        let lock = Lock()
        private var fired: [UInt64] = []
        let clock: HostAlarmClock
        init(_ clock: HostAlarmClock) { self.clock = clock }
        func alarm() { lock.withLock { fired.append(clock.now()) } }
        var times: [UInt64] { lock.withLock { fired } }
    }

    @Test func firesOnceAndNotEarly() async throws {
        let clock = try HostAlarmClock()
        defer { clock.stop() }
        let target = Target(clock)
        let deadline = clock.now() + 20_000_000
        clock.arm(deadline: deadline, target: target)
        for _ in 0..<500 where target.times.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        try await Task.sleep(for: .milliseconds(30))
        #expect(target.times.count == 1)
        #expect(target.times.first ?? 0 >= deadline)
    }

    @Test func disarmedAndMoved() async throws {
        let clock = try HostAlarmClock()
        defer { clock.stop() }
        let target = Target(clock)
        clock.arm(deadline: clock.now() + 50_000_000, target: target)
        clock.disarm()
        try await Task.sleep(for: .milliseconds(100))
        #expect(target.times.isEmpty)
        clock.arm(deadline: .max, target: target)
        clock.arm(deadline: clock.now(), target: target)
        for _ in 0..<500 where target.times.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        #expect(target.times.count == 1)
    }

    @Test func stopEndsTheThread() throws {
        for _ in 0..<20 {
            let clock = try HostAlarmClock()
            clock.arm(deadline: .max, target: Target(clock))
            clock.stop()
            clock.stop()
        }
    }
}
