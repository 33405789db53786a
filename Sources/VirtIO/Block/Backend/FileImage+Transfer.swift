import CHost

/// Synchronous operations. Each succeeds as a whole or returns false.
extension FileImage {
    /// Carries `operation` out on this thread.
    package func perform(_ operation: BlockOperation) -> Bool {
        switch operation {
        case .read(let offset, let segments): return read(segments, at: offset)
        case .write(let offset, let segments): return write(segments, at: offset)
        case .flush: return access.isReadOnly || host_image_sync(descriptor) == 0
        case .discard(let offset, let count): return discard(offset, count)
        case .writeZeroes(let offset, let count, let mayUnmap): return zero(offset, count, mayUnmap: mayUnmap)
        }
    }

    /// Reads all of it. What is missing behind the content's original end is zero; what is missing before it,
    /// because the file shrank, is an error.
    func read(_ segments: [BufferSegment], at offset: UInt64) -> Bool {
        guard isInside(offset, segments.byteCount) else { return false }
        if goesDirect(segments, offset) { return readDirect(segments, at: offset) }
        return readBuffered(segments, at: offset)
    }

    func write(_ segments: [BufferSegment], at offset: UInt64) -> Bool {
        guard !access.isReadOnly, isInside(offset, segments.byteCount) else { return false }
        if goesDirect(segments, offset) { return writeDirect(segments, at: offset) }
        return transfer(segments, at: offset) { host_image_write(descriptor, $0, $1, $2) } == nil
    }

    /// The descriptor through which this transfer needs nothing but a vectored read or write; nil when it needs
    /// more than that, or can't be.
    package func plainDescriptor(_ segments: [BufferSegment], at offset: UInt64, isWrite: Bool) -> Int32? {
        guard isInside(offset, segments.byteCount), !isWrite || !access.isReadOnly else { return nil }
        guard goesDirect(segments, offset) else { return descriptor }
        return isAligned(segments) ? directDescriptor : nil
    }

    private func isInside(_ offset: UInt64, _ count: Int) -> Bool {
        offset <= size && UInt64(truncatingIfNeeded: count) <= size &- offset
    }

    private func readBuffered(_ segments: [BufferSegment], at offset: UInt64) -> Bool {
        guard let rest = transfer(segments, at: offset, { host_image_read(descriptor, $0, $1, $2) }) else { return true }
        return fillTail(segments, from: rest, at: offset)
    }

    /// Zeroes what lies behind the content's end; false if a read stopped before it.
    private func fillTail(_ segments: [BufferSegment], from rest: Int, at offset: UInt64) -> Bool {
        guard rest >= 0, offset &+ UInt64(rest) >= contentEnd else { return false }
        for segment in segments.slice(rest, Int.max) { host_fill(segment.base, 0, segment.count) }
        return true
    }

    /// Calls `move` until every byte is through. Nil then; -1 after an error; otherwise how many bytes were
    /// moved before `move` said that there are no more.
    private func transfer(
        _ segments: [BufferSegment], at offset: UInt64,
        _ move: (_ stretches: UnsafePointer<host_stretch>, _ n: Int, _ offset: UInt64) -> Int
    ) -> Int? {
        let total = segments.byteCount
        var moved = 0
        var stretches: [host_stretch] = []
        stretches.reserveCapacity(segments.count)
        for segment in segments { stretches.append(host_stretch(base: segment.base, count: segment.count)) }
        var first = 0
        while moved < total {
            let n = stretches.withUnsafeBufferPointer { all -> Int in
                guard let base = all.baseAddress else { return -1 }
                return move(base + first, all.count &- first, offset &+ UInt64(truncatingIfNeeded: moved))
            }
            if n < 0 { return -1 }
            if n == 0 { return moved }
            moved &+= n
            // A short transfer ends somewhere in a stretch.
            var left = n
            while left > 0, first < stretches.count {
                if left >= stretches[first].count {
                    left &-= stretches[first].count
                    first &+= 1
                } else {
                    stretches[first].base += left
                    stretches[first].count &-= left
                    left = 0
                }
            }
        }
        return nil
    }

    // MARK: Direct

    /// O_DIRECT wants whole blocks; the last sectors of an image may not be one.
    private func goesDirect(_ segments: [BufferSegment], _ offset: UInt64) -> Bool {
        guard directDescriptor >= 0 else { return false }
        let count = UInt64(truncatingIfNeeded: segments.byteCount)
        return (offset | count) & (offsetAlignment &- 1) == 0 && offset &+ count <= contentEnd
    }

    /// And memory that is aligned, which the guest's needn't be.
    private func isAligned(_ segments: [BufferSegment]) -> Bool {
        let mask = UInt(memoryAlignment &- 1)
        for segment in segments {
            if (UInt(bitPattern: segment.base) | UInt(bitPattern: segment.count)) & mask != 0 { return false }
            // A segment's length ends where the next begins on the medium.
            if UInt64(truncatingIfNeeded: segment.count) & (offsetAlignment &- 1) != 0 { return false }
        }
        return true
    }

    private func readDirect(_ segments: [BufferSegment], at offset: UInt64) -> Bool {
        if isAligned(segments) {
            guard let rest = transfer(segments, at: offset, { host_image_read(directDescriptor, $0, $1, $2) }) else { return true }
            return fillTail(segments, from: rest, at: offset)
        }
        return bounce(segments) { buffer, done in
            let one = [BufferSegment(base: buffer.base, count: buffer.count)]
            guard transfer(one, at: offset &+ UInt64(done), { host_image_read(directDescriptor, $0, $1, $2) }) == nil
            else { return false }
            var at = 0
            for segment in segments.slice(done, buffer.count) {
                host_copy(segment.base, buffer.base + at, segment.count)
                at &+= segment.count
            }
            return true
        }
    }

    private func writeDirect(_ segments: [BufferSegment], at offset: UInt64) -> Bool {
        if isAligned(segments) {
            return transfer(segments, at: offset) { host_image_write(directDescriptor, $0, $1, $2) } == nil
        }
        return bounce(segments) { buffer, done in
            var at = 0
            for segment in segments.slice(done, buffer.count) {
                host_copy(buffer.base + at, segment.base, segment.count)
                at &+= segment.count
            }
            let one = [BufferSegment(base: buffer.base, count: buffer.count)]
            return transfer(one, at: offset &+ UInt64(done)) { host_image_write(directDescriptor, $0, $1, $2) } == nil
        }
    }

    private static let bounceSize = 1 << 20

    /// Calls `move` with an aligned buffer for each part, and how many bytes came before it.
    private func bounce(_ segments: [BufferSegment], _ move: (BufferSegment, Int) -> Bool) -> Bool {
        let total = segments.byteCount
        let size = min(total, Self.bounceSize)
        guard let buffer = host_aligned_allocate(size, max(memoryAlignment, 4096)) else { return false }
        defer { host_aligned_free(buffer) }
        var done = 0
        while done < total {
            let part = min(size, total &- done)
            guard move(BufferSegment(base: buffer, count: part), done) else { return false }
            done &+= part
        }
        return true
    }

    // MARK: Without data

    /// A discard is a hint: where the host can't follow it, nothing changes, and that is success.
    private func discard(_ offset: UInt64, _ count: UInt64) -> Bool {
        guard !access.isReadOnly, isInside(offset, Int(truncatingIfNeeded: count)) else { return false }
        if count == 0 { return true }
        let error =
            isDevice ? host_device_discard(descriptor, offset, count) : host_image_punch(descriptor, offset, count)
        return error == 0 || host_error_is_unsupported(-error)
    }

    private func zero(_ offset: UInt64, _ count: UInt64, mayUnmap: Bool) -> Bool {
        guard !access.isReadOnly, isInside(offset, Int(truncatingIfNeeded: count)) else { return false }
        if count == 0 { return true }
        if isDevice {
            let error = host_device_zero(descriptor, offset, count)
            if error == 0 || !host_error_is_unsupported(-error) { return error == 0 }
        } else {
            if mayUnmap {
                let error = host_image_punch(descriptor, offset, count)
                if error == 0 || !host_error_is_unsupported(-error) { return error == 0 }
            }
            let error = host_image_zero(descriptor, offset, count)
            if error == 0 || !host_error_is_unsupported(-error) { return error == 0 }
        }
        return writeZeros(offset, count)
    }

    /// The last resort: zeros, written.
    private func writeZeros(_ offset: UInt64, _ count: UInt64) -> Bool {
        let size = Int(min(count, UInt64(Self.bounceSize)))
        guard let buffer = host_aligned_allocate(size, max(memoryAlignment, 4096)) else { return false }
        defer { host_aligned_free(buffer) }
        host_fill(buffer, 0, size)
        var done: UInt64 = 0
        while done < count {
            let part = Int(min(UInt64(size), count &- done))
            guard write([BufferSegment(base: buffer, count: part)], at: offset &+ done) else { return false }
            done &+= UInt64(part)
        }
        return true
    }
}
