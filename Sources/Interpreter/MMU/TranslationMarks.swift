/// What is known of the translations that host or guests have in their TLBs, so that a fence can do little.
struct TranslationMarks {
    /// Which pages blocks were fetched from: a Bloom filter over virtual page numbers, so that SFENCE.VMA of a
    /// page of data leaves every link standing.
    var fetchedPages = PageFilter()
    /// Which 2 MiB and 1 GiB regions have TLB entries that came from a superpage.
    private var largeRegions = PageFilter()
    /// Some entry came from a page of 512 GiB or more.
    private(set) var hasVastPages = false

    mutating func noteLarge(_ va: UInt64, _ sizeShift: UInt64) {
        if sizeShift > 30 { hasVastPages = true }
        largeRegions.insert(sizeShift >= 30 ? va &>> 30 | 1 &<< 60 : va &>> 21)
    }

    /// The size in bytes of the largest superpage that `va` may lie in, 4096 if in none.
    func extent(_ va: UInt64) -> UInt64 {
        if largeRegions.mayContain(va &>> 30 | 1 &<< 60) { return 1 << 30 }
        return largeRegions.mayContain(va &>> 21) ? 1 << 21 : 4096
    }

    /// Whether links may depend on the translation of `va`.
    func touchCode(_ va: UInt64) -> Bool { fetchedPages.mayContain(va &>> 12) || extent(va) != 4096 }

    mutating func clear() { self = TranslationMarks() }
}
