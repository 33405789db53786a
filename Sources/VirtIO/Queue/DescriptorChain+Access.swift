import CHost

extension DescriptorChain {
    /// Copies `target.count` bytes out of the readable part, from `offset` on; false (and nothing usable) when
    /// it has fewer.
    package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) -> Bool {
        guard offset >= 0, offset <= readableCount, target.count <= readableCount &- offset else { return false }
        guard let base = target.baseAddress else { return true }
        var done = 0
        visit(readable, from: offset, count: target.count) { segment in
            host_copy(base + done, segment.base, segment.count)
            done &+= segment.count
        }
        return true
    }

    /// Copies `source` into the writable part, from `offset` on; false when it has no room.
    package func write(_ source: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard offset >= 0, offset <= writableCount, source.count <= writableCount &- offset else { return false }
        guard let base = source.baseAddress else { return true }
        var done = 0
        visit(writable, from: offset, count: source.count) { segment in
            host_copy(segment.base, base + done, segment.count)
            done &+= segment.count
        }
        return true
    }

    /// The bytes at `offset ..< offset + count` of the writable part, as segments; nil when it has fewer.
    package func writable(from offset: Int, count: Int) -> [BufferSegment]? {
        guard offset >= 0, count >= 0, offset <= writableCount, count <= writableCount &- offset else { return nil }
        return cut(writable, from: offset, count: count)
    }

    /// The bytes at `offset ..< offset + count` of the readable part, as segments; nil when it has fewer.
    package func readable(from offset: Int, count: Int) -> [BufferSegment]? {
        guard offset >= 0, count >= 0, offset <= readableCount, count <= readableCount &- offset else { return nil }
        return cut(readable, from: offset, count: count)
    }

    private func cut(_ segments: [BufferSegment], from offset: Int, count: Int) -> [BufferSegment] {
        var result: [BufferSegment] = []
        visit(segments, from: offset, count: count) { result.append($0) }
        return result
    }

    /// Calls `body` for the parts of `segments` that make up `offset ..< offset + count`, which lies inside them.
    @inline(__always)
    private func visit(_ segments: [BufferSegment], from offset: Int, count: Int, _ body: (BufferSegment) -> Void) {
        var skip = offset
        var left = count
        for segment in segments where left > 0 {
            if skip >= segment.count {
                skip &-= segment.count
                continue
            }
            let part = min(segment.count &- skip, left)
            body(BufferSegment(base: segment.base + skip, count: part))
            left &-= part
            skip = 0
        }
    }
}
