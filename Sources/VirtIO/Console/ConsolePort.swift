/// A port as the device keeps it. Everything here is guarded by the device's lock.
final class ConsolePort {
    let number: Int
    let setup: ConsolePortSetup
    var farEnd: any ConsoleFarEnd { setup.farEnd }

    // What the driver did; gone with its reset.

    /// The driver knows the port and takes messages about it.
    private(set) var isReady = false
    private(set) var isOpen = false
    /// What was last said to the driver.
    var toldConnected = false
    var toldSize: ConsoleSize?
    /// Output that the far end has had no room for yet: a buffer, and how much of it is done.
    private var unfinished: (chain: DescriptorChain, done: Int)?

    init(number: Int, _ setup: ConsolePortSetup) {
        self.number = number
        self.setup = setup
    }

    /// The queues of this port (virtio 1.2, 5.3.2): those of port 0 stand before the control queues.
    var receiveQueue: Int { number == 0 ? 0 : 2 + 2 * number }
    var transmitQueue: Int { receiveQueue + 1 }

    func becomeReady() { isReady = true }

    func setOpen(_ open: Bool) {
        guard open != isOpen else { return }
        isOpen = open
        farEnd.guestOpened(open)
    }

    func reset() {
        setOpen(false)
        isReady = false
        toldConnected = false
        toldSize = nil
        unfinished = nil
    }

    // MARK: Data

    /// Moves the guest's output to the far end until there is no more, or no room.
    func transmit(_ queue: any VirtQueue) throws(VirtQueueError) {
        var isDone = false
        defer { if isDone { queue.signal() } }
        repeat {
            queue.wantNotifications(false)
            while true {
                if unfinished == nil { unfinished = try queue.pop().map { ($0, 0) } }
                guard let (chain, start) = unfinished else { break }
                let end = pass(chain, from: start)
                guard end == chain.readableCount else {
                    unfinished = (chain, end)
                    return
                }
                unfinished = nil
                queue.push(chain, written: 0)
                isDone = true
            }
        } while queue.wantNotifications(true)
    }

    /// Returns how much of `chain` is done when the far end takes no more.
    private func pass(_ chain: DescriptorChain, from start: Int) -> Int {
        var skip = start
        var done = start
        for segment in chain.readable {
            if skip >= segment.count {
                skip -= segment.count
                continue
            }
            let count = segment.count - skip
            let taken = min(count, max(0, farEnd.write(UnsafeRawBufferPointer(start: segment.base + skip, count: count))))
            done += taken
            if taken < count { return done }
            skip = 0
        }
        return done
    }

    /// Moves what has come for the guest into its buffers until there is no more of either.
    func receive(_ queue: any VirtQueue) throws(VirtQueueError) {
        guard isOpen else { return }
        var isDone = false
        defer { if isDone { queue.signal() } }
        while true {
            guard let chain = try queue.pop() else {
                // Bytes may wait here: the driver has to tell when there is a buffer for them.
                if queue.wantNotifications(true) { continue }
                return
            }
            // It may be that nothing waits, and then the driver's next buffers are no news.
            guard chain.writableCount > 0 else { throw .badRequest }
            let count = fill(chain)
            if count == 0 {
                queue.unpop()
                queue.wantNotifications(false)
                return
            }
            queue.push(chain, written: count)
            isDone = true
        }
    }

    private func fill(_ chain: DescriptorChain) -> Int {
        var filled = 0
        for segment in chain.writable {
            let count = min(segment.count, max(0, farEnd.read(into: UnsafeMutableRawBufferPointer(start: segment.base, count: segment.count))))
            filled += count
            if count < segment.count { break }
        }
        return filled
    }
}
