import CHost

/// The back end's side.
extension NetworkWorker {
    package func hasRoom(pair index: Int) -> Bool {
        guard !isBroken, index < activePairs, let receive = pairs[index].receive, !pairs[index].holdsFrames else { return false }
        var result = false
        // With merged buffers, as many as a link's frame takes.
        guarded { () throws(VirtQueueError) in result = try receive.gather(NetworkHeader.size &+ 1518) }
        return result
    }

    package func receive(_ frame: UnsafeRawBufferPointer, pair index: Int, isChecked: Bool) {
        guard !isBroken, index < activePairs, frame.count <= Self.longestFrame, filter.accepts(frame) else { return }
        let isChecked = guestOffloads.contains(.guestCsum) && (isChecked || TCPFrame.hasGoodChecksum(frame))
        if index == 0 {
            if isChecked, merger.add(frame, guestOffloads) { return }
            flushMerger()
            if isChecked, merger.add(frame, guestOffloads) { return }
        }
        var header = NetworkHeader()
        if isChecked { header.flags = NetworkHeader.dataValid }
        deliver(header, frame, pair: index)
    }

    package func room(pair index: Int) -> UnsafeBufferPointer<host_iovec>? {
        guard !isBroken, index < activePairs, let receive = pairs[index].receive, !pairs[index].holdsFrames else { return nil }
        var isDirect = false
        guarded { () throws(VirtQueueError) in isDirect = try receive.gather(longestReceived) }
        guard !isBroken, receive.room > 0 else { return nil }
        if isDirect, let count = receive.fill(UnsafeMutableBufferPointer(rebasing: vector.dropLast())) {
            readsIntoScratch = false
            // What doesn't fit is seen by its length.
            vector[count] = host_iovec(base: scratch.baseAddress, count: scratch.count)
            return UnsafeBufferPointer(rebasing: vector[...count])
        }
        // A few buffers: they may do, since most frames are short, and this one waits if they don't.
        readsIntoScratch = true
        vector[0] = host_iovec(base: scratch.baseAddress, count: scratch.count)
        return UnsafeBufferPointer(rebasing: vector[..<1])
    }

    package func received(_ count: Int, pair index: Int) {
        guard !isBroken, index < activePairs, let receive = pairs[index].receive, count >= NetworkHeader.size &+ 14 else { return }
        if readsIntoScratch {
            guard count <= scratch.count else { return }
            let frame = UnsafeRawBufferPointer(rebasing: scratch[NetworkHeader.size ..< count])
            guard filter.accepts(frame) else { return }
            return deliver(NetworkHeader(UnsafeRawBufferPointer(scratch)), frame, pair: index)
        }
        guard count <= receive.room else { return }
        let isWanted = withUnsafeTemporaryAllocation(byteCount: NetworkHeader.size &+ 18, alignment: 4) { start in
            let start = UnsafeMutableRawBufferPointer(rebasing: start[..<min(start.count, count)])
            receive.peek(start)
            return filter.accepts(UnsafeRawBufferPointer(rebasing: start[NetworkHeader.size...]))
        }
        if isWanted { receive.filled(count) }
    }

    package func linkChanged(isUp: Bool) {
        guard features.contains(.status) else { return state.setLink(isUp: isUp, announce: false) }
        // Whoever is at the other end now doesn't know our address.
        state.setLink(isUp: isUp, announce: isUp && features.contains(.guestAnnounce))
        notes.configurationChanged = true
    }

    /// Hands over what waits for more of its kind, and tells the driver.
    func finishReceiving() {
        flushMerger()
        for pair in pairs { pair.receive?.signal() }
    }

    private func flushMerger() {
        merger.take { header, frame in deliver(header, frame, pair: 0) }
    }

    private func deliver(_ header: NetworkHeader, _ frame: UnsafeRawBufferPointer, pair index: Int) {
        guard !isBroken else { return }
        guarded { () throws(VirtQueueError) in try pairs[index].deliver(header, frame) }
    }
}
