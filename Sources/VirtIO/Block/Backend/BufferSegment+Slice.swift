extension [BufferSegment] {
    /// Sum of the lengths.
    package var byteCount: Int {
        var sum = 0
        for segment in self { sum &+= segment.count }
        return sum
    }

    /// The bytes at `offset ..< offset + count` of all of them together; as many as there are.
    package func slice(_ offset: Int, _ count: Int) -> [BufferSegment] {
        var result: [BufferSegment] = []
        var skip = Swift.max(offset, 0)
        var left = Swift.max(count, 0)
        for segment in self where left > 0 {
            if skip >= segment.count {
                skip &-= segment.count
                continue
            }
            let part = Swift.min(segment.count &- skip, left)
            result.append(BufferSegment(base: segment.base + skip, count: part))
            left &-= part
            skip = 0
        }
        return result
    }
}
