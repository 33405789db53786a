import CHost

/// A receive queue with the buffers that were taken from it and not filled yet.
final class ReceiveQueue {
    enum Outcome: Equatable {
        case delivered
        /// Not enough buffers now.
        case noRoom
        /// More than the driver's buffers can ever hold.
        case tooLong
    }

    private let queue: any VirtQueue
    /// Whether a frame may run over several buffers (MRG_RXBUF).
    private let isMergeable: Bool
    /// Taken and not yet filled, from `head` on.
    private var buffers: [DescriptorChain] = []
    private var head = 0
    private var bytes = 0
    /// The driver shall notify, since there were too few buffers.
    private(set) var isStarved = false
    private var hasPushed = false
    private var doorbellPlace = -1

    init(_ queue: any VirtQueue, isMergeable: Bool) {
        self.queue = queue
        self.isMergeable = isMergeable
        queue.wantNotifications(false)
    }

    private var count: Int { buffers.count &- head }

    // MARK: Waiting for buffers

    func prepare(_ polls: PollSet) {
        doorbellPlace = isStarved ? polls.add(queue.doorbell, HOST_WAIT_IN) : -1
    }

    /// Whether the driver has said that there are buffers.
    func service(_ polls: PollSet) -> Bool {
        guard polls.events(doorbellPlace) != 0 else { return false }
        host_eventfd_drain(queue.doorbell)
        return true
    }

    /// Takes buffers until they hold `wanted` bytes, or there is one if they can't be merged; false when the
    /// driver has given too few. Then it will notify.
    func gather(_ wanted: Int) throws(VirtQueueError) -> Bool {
        while isMergeable ? bytes < wanted : count == 0 {
            if let chain = try queue.pop() {
                // A frame's header at least has to find room in one (5.1.6.3.1).
                guard chain.readableCount == 0, chain.writableCount >= NetworkHeader.size else { throw .badRequest }
                buffers.append(chain)
                bytes &+= chain.writableCount
            } else if isStarved || !queue.wantNotifications(true) {
                isStarved = true
                return false
            }
        }
        if isStarved {
            isStarved = false
            queue.wantNotifications(false)
        }
        return true
    }

    // MARK: Filling them

    /// Copies a frame and its header into buffers and hands them back.
    func deliver(_ header: NetworkHeader, _ frame: UnsafeRawBufferPointer) throws(VirtQueueError) -> Outcome {
        let total = NetworkHeader.size &+ frame.count
        guard try gather(total) else { return count == Int(queue.size) ? .tooLong : .noRoom }
        guard count > 0, isMergeable || buffers[head].writableCount >= total else { return .tooLong }
        var header = header
        header.bufferCount = needed(total)
        withUnsafeTemporaryAllocation(byteCount: NetworkHeader.size, alignment: 4) { bytes in
            header.store(bytes)
            scatter(UnsafeRawBufferPointer(bytes), at: 0)
        }
        scatter(frame, at: NetworkHeader.size)
        handBack(total)
        return .delivered
    }

    /// The buffers as memory to read into: how many stretches were written to `vector`, nil if it has too few.
    func fill(_ vector: UnsafeMutableBufferPointer<host_iovec>) -> Int? {
        var place = 0
        for chain in buffers[head...] {
            for segment in chain.writable {
                guard place < vector.count else { return nil }
                vector[place] = host_iovec(base: segment.base, count: segment.count)
                place &+= 1
            }
            if !isMergeable { break }
        }
        return place
    }

    /// Bytes that `fill`'s memory holds.
    var room: Int { isMergeable ? bytes : count > 0 ? buffers[head].writableCount : 0 }

    /// The first bytes of that memory.
    func peek(_ target: UnsafeMutableRawBufferPointer) {
        walk(target.count, at: 0) { memory, offset, count in
            if let base = target.baseAddress { host_copy(base + offset, memory, count) }
        }
    }

    /// The first `total` bytes of that memory have been filled, with a header whose count of buffers is open.
    /// They are no more than `room`.
    func filled(_ total: Int) {
        let number = needed(total)
        withUnsafeTemporaryAllocation(byteCount: 2, alignment: 2) { bytes in
            bytes[0] = UInt8(truncatingIfNeeded: number)
            bytes[1] = UInt8(truncatingIfNeeded: number >> 8)
            scatter(UnsafeRawBufferPointer(bytes), at: NetworkHeader.bufferCountOffset)
        }
        handBack(total)
    }

    /// Tells the driver of what was handed back since the last call.
    func signal() {
        guard hasPushed else { return }
        hasPushed = false
        queue.signal()
    }

    // MARK: Inside

    /// How many buffers `total` bytes take.
    private func needed(_ total: Int) -> UInt16 {
        var number: UInt16 = 0
        var left = total
        for chain in buffers[head...] where left > 0 {
            number &+= 1
            left &-= chain.writableCount
        }
        return number
    }

    private func scatter(_ source: UnsafeRawBufferPointer, at offset: Int) {
        guard let base = source.baseAddress else { return }
        walk(source.count, at: offset) { memory, done, count in host_copy(memory, base + done, count) }
    }

    /// Calls `body` for each stretch of the `count` bytes from `offset` on.
    private func walk(_ count: Int, at offset: Int, _ body: (UnsafeMutableRawPointer, Int, Int) -> Void) {
        var skip = offset
        var done = 0
        for place in head ..< buffers.count {
            for segment in buffers[place].writable {
                if skip >= segment.count {
                    skip &-= segment.count
                    continue
                }
                let part = min(segment.count &- skip, count &- done)
                body(segment.base + skip, done, part)
                done &+= part
                skip = 0
                if done == count { return }
            }
        }
    }

    private func handBack(_ total: Int) {
        var left = total
        while left > 0, head < buffers.count {
            let chain = buffers[head]
            let written = min(left, chain.writableCount)
            queue.push(chain, written: written)
            left &-= written
            bytes &-= chain.writableCount
            head &+= 1
        }
        hasPushed = true
        if head == buffers.count {
            buffers.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64 {
            buffers.removeFirst(head)
            head = 0
        }
    }
}
