import CHost

extension NetworkWorker {
    /// Frames sent before others get their turn.
    private static let transmitBudget = 128

    /// Sends what the driver has made available in a pair, up to a budget.
    func transmit(_ index: Int) throws(VirtQueueError) {
        let pair = pairs[index]
        guard let queue = pair.transmit, pair.hasFrames else { return }
        if pair.isBlocked {
            guard backend.canSend(pair: index) else { return }
            pair.isBlocked = false
        }
        queue.wantNotifications(false)
        var budget = Self.transmitBudget
        var hasPushed = false
        // Even before an error gets out: what was sent is the driver's again.
        defer {
            if hasPushed {
                backend.flush(pair: index)
                queue.signal()
            }
        }
        while budget > 0 {
            guard let chain = try queue.pop() else {
                if queue.wantNotifications(true) {
                    queue.wantNotifications(false)
                    continue
                }
                pair.hasFrames = false
                return
            }
            // The device reads in a transmit queue, and nothing else (5.1.6.2).
            guard chain.readableCount >= NetworkHeader.size else { throw .badRequest }
            guard send(chain, pair: index) == .done else {
                queue.unpop()
                pair.isBlocked = true
                return
            }
            queue.push(chain, written: 0)
            hasPushed = true
            budget &-= 1
        }
    }

    /// Sends one frame. One that no network can carry, or that its header doesn't fit, is gone.
    private func send(_ chain: DescriptorChain, pair: Int) -> NetworkSendResult {
        let length = chain.readableCount &- NetworkHeader.size
        guard length >= 14, length <= Self.longestFrame, let base = scratch.baseAddress else { return .done }
        // Copied before it is judged, for the guest can change it meanwhile.
        copy(chain, from: 0, count: NetworkHeader.size, to: base)
        let header = NetworkHeader(UnsafeRawBufferPointer(scratch))
        guard header.isPermitted(features, frame: length) else { return .done }
        if traits.hasHeader {
            vector[0] = host_iovec(base: base, count: NetworkHeader.size)
            if let count = stretches(chain) { return backend.send(UnsafeBufferPointer(rebasing: vector[..<count]), pair: pair) }
            copy(chain, from: NetworkHeader.size, count: length, to: base + NetworkHeader.size)
            vector[0].count = NetworkHeader.size &+ length
            return backend.send(UnsafeBufferPointer(rebasing: vector[..<1]), pair: pair)
        }
        let frame = UnsafeMutableRawBufferPointer(rebasing: scratch[NetworkHeader.size ..< NetworkHeader.size &+ length])
        copy(chain, from: NetworkHeader.size, count: length, to: base + NetworkHeader.size)
        if header.isSegmented, !traits.takesLongSegments { return cut(frame, header, pair: pair) }
        return TransmitOffload.finish(frame, header) ? send(frame, pair: pair) : .done
    }

    private func send(_ frame: UnsafeMutableRawBufferPointer, pair: Int) -> NetworkSendResult {
        vector[0] = host_iovec(base: frame.baseAddress, count: frame.count)
        return backend.send(UnsafeBufferPointer(rebasing: vector[..<1]), pair: pair)
    }

    /// Sends a long TCP segment as short ones. The back end may refuse the first one only: what was begun is
    /// ended, for better or worse.
    private func cut(_ frame: UnsafeMutableRawBufferPointer, _ header: NetworkHeader, pair: Int) -> NetworkSendResult {
        guard let cutter = SegmentCutter(frame, header) else { return .done }
        for place in 0 ..< cutter.count {
            let result = send(cutter.segment(place, in: segmentScratch), pair: pair)
            if place == 0, result == .full { return .full }
        }
        return .done
    }

    /// Copies a part of the readable bytes, which is there.
    private func copy(_ chain: DescriptorChain, from offset: Int, count: Int, to target: UnsafeMutableRawPointer) {
        var skip = offset
        var done = 0
        for segment in chain.readable {
            if done == count { return }
            if skip >= segment.count {
                skip &-= segment.count
                continue
            }
            let part = min(segment.count &- skip, count &- done)
            host_copy(target + done, segment.base + skip, part)
            done &+= part
            skip = 0
        }
    }

    /// Appends what is behind the header to `vector`, whose first place is taken: its length then, or nil if it
    /// has too few places.
    private func stretches(_ chain: DescriptorChain) -> Int? {
        var skip = NetworkHeader.size
        var place = 1
        for segment in chain.readable {
            if skip >= segment.count {
                skip &-= segment.count
                continue
            }
            guard place < vector.count else { return nil }
            vector[place] = host_iovec(base: segment.base + skip, count: segment.count &- skip)
            place &+= 1
            skip = 0
        }
        return place
    }
}
