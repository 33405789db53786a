import CHost

/// Which pages of 4 KiB somebody has written: a bit for each, which any thread may set while another takes them.
public struct WriteLog {
    private let words: UnsafeMutableRawPointer
    private let pages: UInt64

    private var wordCount: Int { Int(truncatingIfNeeded: (pages &+ 63) &>> 6) }

    /// For a slot of `size` bytes; nil when the host refuses the memory, which becomes resident as bits are set.
    init?(size: UInt64) {
        pages = size &>> 12
        var error: Int32 = 0
        guard let words = host_memory_reserve(Int(truncatingIfNeeded: (pages &+ 63) &>> 6 &* 8), 4096, &error) else { return nil }
        self.words = words
    }

    func release() { host_memory_release(words, wordCount &* 8) }

    /// Notes a write of `count` bytes at `offset`; what lies outside isn't noted.
    @inline(__always)
    public func note(_ offset: UInt64, _ count: UInt64) {
        let first = offset &>> 12
        let last = min((offset &+ count &- 1) &>> 12, pages &- 1)
        var page = first
        while page <= last {
            let word = words + Int(truncatingIfNeeded: page &>> 6 &* 8)
            let bit: UInt64 = 1 &<< (page & 63)
            if host_load_relaxed_64(word) & bit == 0 { _ = host_atomic_or_64(word, bit) }
            page &+= 1
        }
    }

    /// The pages noted so far, bit p % 64 of word p / 64 for page p; none is noted afterwards.
    func take() -> [UInt64] {
        var taken = [UInt64](repeating: 0, count: wordCount)
        for i in 0..<wordCount {
            let word = words + i &* 8
            // Most are empty, and reading them makes no page of theirs resident.
            if host_load_relaxed_64(word) != 0 { taken[i] = host_atomic_swap_64(word, 0) }
        }
        return taken
    }
}
