import CHost

/// One hart's blocks: an arena that is filled from the bottom and emptied as a whole, and a hash table.
///
/// Each hart has its own, so that no lock stands between a hart and its code; harts share nothing but guest
/// memory, and the architecture asks for a FENCE.I on each hart before it sees new code.
struct BlockCache {
    private let arena: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var used = 0
    private let buckets: UnsafeMutablePointer<UnsafeMutablePointer<BlockHeader>?>
    /// A power of two: about one for each block that the arena has room for.
    private let bucketCount: Int
    private var bucketBytes: Int { bucketCount &* MemoryLayout<UnsafeMutablePointer<BlockHeader>?>.stride }

    /// Reserves `capacity` bytes; they become resident as blocks fill them. Nil when the host refuses.
    init?(capacity: Int) {
        var error: Int32 = 0
        guard let arena = host_memory_reserve(capacity, 4096, &error) else { return nil }
        bucketCount = max(512, capacity / 512).nextPowerOfTwo
        let bytes = bucketCount * MemoryLayout<UnsafeMutablePointer<BlockHeader>?>.stride
        guard let table = host_memory_reserve(bytes, 4096, &error) else {
            host_memory_release(arena, capacity)
            return nil
        }
        self.arena = arena
        self.capacity = capacity
        buckets = table.bindMemory(to: UnsafeMutablePointer<BlockHeader>?.self, capacity: bucketCount)
    }

    func release() {
        host_memory_release(arena, capacity)
        host_memory_release(UnsafeMutableRawPointer(buckets), bucketBytes)
    }

    /// Space for one more block of any size, or nil when the arena is full and has to be emptied.
    var space: UnsafeMutableRawPointer? { capacity - used >= Block.largest ? arena + used : nil }

    mutating func commit(bytes: Int) { used += (bytes + 15) & ~15 }

    mutating func empty() {
        host_fill(buckets, 0, bucketBytes)
        used = 0
    }

    @inline(__always)
    private func bucket(_ pc: UInt64, _ code: UnsafeRawPointer) -> Int {
        // The page's host address tells apart what different processes have at the same virtual address.
        let mixed = pc &>> 1 ^ UInt64(UInt(bitPattern: code)) &>> 12 &* 0x9E37_79B9
        return Int(truncatingIfNeeded: mixed) & (bucketCount - 1)
    }

    /// The block at `pc` whose bytes stand at `code` (and `rest`, when its instruction crosses into another
    /// page), unless the guest has changed them since.
    func find(
        _ pc: UInt64, _ code: UnsafeRawPointer, rest: UnsafeRawPointer?, variant: UInt32, generation: UInt32
    ) -> UnsafeMutablePointer<BlockHeader>? {
        var link = buckets + bucket(pc, code)
        while let block = link.pointee {
            if block.pointee.pc == pc, block.pointee.code == code,
                block.pointee.codeOnNextPage == rest, block.pointee.variant == variant
            {
                if block.pointee.generation == generation { return block }
                if Block.isCurrent(block) {
                    block.pointee.generation = generation
                    return block
                }
                // Its code was overwritten: nothing leads here any more.
                link.pointee = block.pointee.chain
                return nil
            }
            link = Self.chainField(block)
        }
        return nil
    }

    /// Address of a header's `chain`, which is its fourth word.
    private static func chainField(
        _ block: UnsafeMutablePointer<BlockHeader>
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<BlockHeader>?> {
        (UnsafeMutableRawPointer(block) + 24).assumingMemoryBound(to: UnsafeMutablePointer<BlockHeader>?.self)
    }

    func insert(_ block: UnsafeMutablePointer<BlockHeader>) {
        let link = buckets + bucket(block.pointee.pc, block.pointee.code)
        block.pointee.chain = link.pointee
        link.pointee = block
    }
}

extension Int {
    /// The smallest power of two that isn't less; for positive numbers far from the largest.
    fileprivate var nextPowerOfTwo: Int { 1 &<< (Int.bitWidth &- (self &- 1).leadingZeroBitCount) }
}
