import Devices
import Foundation

/// An interrupt line that a test's driver can wait for.
final class TestLine: InterruptLine, @unchecked Sendable {
    private let condition = NSCondition()
    private var high = false
    private var count = 0

    var level: Bool { condition.withLock { high } }
    /// How often the line went from low to high.
    var edges: Int { condition.withLock { count } }

    func set(_ level: Bool) {
        condition.withLock {
            if level, !high { count += 1 }
            high = level
            condition.broadcast()
        }
    }

    /// Waits until the line is high; false after `timeout` seconds. The timeout is there to end a broken test.
    func wait(timeout: Double = 20) -> Bool {
        condition.withLock {
            let limit = Date(timeIntervalSinceNow: timeout)
            while !high { if !condition.wait(until: limit) { return high } }
            return true
        }
    }
}
