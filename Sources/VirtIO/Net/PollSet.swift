import CHost

/// Descriptors to wait for: filled anew before each wait.
package final class PollSet {
    private var entries: UnsafeMutablePointer<host_wait_entry>
    private var capacity = 16
    package private(set) var count = 0

    package init() { entries = .allocate(capacity: capacity) }

    deinit { entries.deallocate() }

    package func removeAll() { count = 0 }

    /// The place to ask `events` about after the wait. `events` are bits of `host_wait_event`; errors are always
    /// waited for.
    @discardableResult
    package func add(_ descriptor: Int32, _ events: host_wait_event) -> Int {
        if count == capacity { grow() }
        let place = count
        entries[place] = host_wait_entry(fd: descriptor, events: Int16(truncatingIfNeeded: events.rawValue), happened: 0)
        count = place &+ 1
        return place
    }

    /// What happened at `place`, as bits of `host_wait_event`; 0 for a place that isn't.
    package func events(_ place: Int) -> UInt32 {
        place >= 0 && place < count ? UInt32(UInt16(bitPattern: entries[place].happened)) : 0
    }

    /// Waits; -1 milliseconds is no limit.
    package func wait(_ timeout: Int32) { _ = host_wait(entries, count, timeout) }

    private func grow() {
        let larger = UnsafeMutablePointer<host_wait_entry>.allocate(capacity: capacity &* 2)
        larger.update(from: entries, count: count)
        entries.deallocate()
        entries = larger
        capacity = capacity &* 2
    }
}
