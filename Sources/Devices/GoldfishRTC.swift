/// A wall clock with one alarm: what the RTC takes from the host, and what tests replace.
package protocol AlarmClock: AnyObject, Sendable {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    func now() -> UInt64
    /// Calls `target` once, from any thread and with no lock held, when `now()` has reached `deadline`. Replaces the
    /// alarm before it. May not call `target` from within.
    func arm(deadline: UInt64, target: any AlarmTarget)
    /// Forgets the alarm. One that is on its way already may still arrive.
    func disarm()
}

/// Receives an `AlarmClock`'s alarm.
package protocol AlarmTarget: AnyObject, Sendable {
    func alarm()
}

/// Android's Goldfish real-time clock (`google,goldfish-rtc`; goldfish docs/GOLDFISH-VIRTUAL-HARDWARE.TXT, section
/// "Goldfish timer", with the alarm status and time setting that QEMU and Linux's rtc-goldfish added).
///
/// Time is the host's wall clock plus an offset that the guest changes by setting the time.
package final class GoldfishRTC: MMIODevice, AlarmTarget, @unchecked Sendable {
    /// Offsets of the 32-bit registers.
    private enum Register {
        /// Low half of the time in ns; reading it latches the high half, writing it sets the low half.
        static let timeLow: UInt64 = 0x00
        static let timeHigh: UInt64 = 0x04
        /// Low half of the alarm; writing it arms the alarm, so the high half is written first.
        static let alarmLow: UInt64 = 0x08
        static let alarmHigh: UInt64 = 0x0C
        static let interruptEnabled: UInt64 = 0x10
        static let clearAlarm: UInt64 = 0x14
        static let alarmStatus: UInt64 = 0x18
        static let clearInterrupt: UInt64 = 0x1C
    }

    private struct State {
        /// Guest time minus host time, in ns, modulo 2⁶⁴.
        var offset: UInt64 = 0
        var latchedHigh: UInt32 = 0
        /// Guest time, in ns, of the alarm.
        var alarm: UInt64 = 0
        var isAlarmRunning = false
        var isInterruptPending = false
        var isInterruptEnabled = false
    }

    private let lock = Lock()
    private let clock: any AlarmClock
    private let line: any InterruptLine
    private var state = State()

    package init(line: any InterruptLine, clock: any AlarmClock) {
        self.line = line
        self.clock = clock
    }

    /// Returns to the state at power-on; the time is the host's again.
    package func reset() {
        lock.withLock {
            clock.disarm()
            state = State()
            updateLine()
        }
    }

    package func read(offset: UInt64, width: Int) -> UInt64 {
        lock.withLock { RegisterAccess.read(offset: offset, width: width) { readRegister($0) } }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        lock.withLock {
            RegisterAccess.write(offset: offset, width: width, value: value) { writeRegister($0, $1) }
        }
    }

    /// The clock's alarm. It may be one that was disarmed or moved while it was on its way.
    package func alarm() {
        lock.withLock {
            guard state.isAlarmRunning else { return }
            startAlarm()
        }
    }

    private var time: UInt64 { clock.now() &+ state.offset }

    private func readRegister(_ offset: UInt64) -> UInt32 {
        switch offset {
        case Register.timeLow:
            let time = time
            state.latchedHigh = UInt32(truncatingIfNeeded: time >> 32)
            return UInt32(truncatingIfNeeded: time)
        case Register.timeHigh: return state.latchedHigh
        case Register.alarmLow: return UInt32(truncatingIfNeeded: state.alarm)
        case Register.alarmHigh: return UInt32(truncatingIfNeeded: state.alarm >> 32)
        case Register.interruptEnabled: return state.isInterruptEnabled ? 1 : 0
        case Register.alarmStatus: return state.isAlarmRunning ? 1 : 0
        default: return 0
        }
    }

    private func writeRegister(_ offset: UInt64, _ value: UInt32) {
        switch offset {
        case Register.timeLow:
            let old = time
            state.offset &+= replacingLow(of: old, by: value) &- old
            // Drivers write the high half first, so the time is whole now, and the alarm is a point in it.
            if state.isAlarmRunning { startAlarm() }
        case Register.timeHigh:
            let old = time
            state.offset &+= replacingHigh(of: old, by: value) &- old
        case Register.alarmLow:
            state.alarm = replacingLow(of: state.alarm, by: value)
            startAlarm()
        case Register.alarmHigh:
            state.alarm = replacingHigh(of: state.alarm, by: value)
        case Register.interruptEnabled:
            state.isInterruptEnabled = value & 1 != 0
            updateLine()
        case Register.clearAlarm:
            state.isAlarmRunning = false
            clock.disarm()
        case Register.clearInterrupt:
            state.isInterruptPending = false
            updateLine()
        default: break
        }
    }

    /// Fires the alarm if its time has come, or waits for it.
    private func startAlarm() {
        let hostNow = clock.now()
        let now = hostNow &+ state.offset
        if state.alarm <= now {
            state.isAlarmRunning = false
            clock.disarm()
            state.isInterruptPending = true
            updateLine()
        } else {
            state.isAlarmRunning = true
            // Beyond the end of the host's time is as good as never.
            let (deadline, wraps) = hostNow.addingReportingOverflow(state.alarm &- now)
            clock.arm(deadline: wraps ? .max : deadline, target: self)
        }
    }

    private func updateLine() { line.set(state.isInterruptPending && state.isInterruptEnabled) }

    private func replacingLow(of value: UInt64, by half: UInt32) -> UInt64 {
        value & 0xFFFF_FFFF_0000_0000 | UInt64(half)
    }

    private func replacingHigh(of value: UInt64, by half: UInt32) -> UInt64 {
        value & 0xFFFF_FFFF | UInt64(half) << 32
    }
}
