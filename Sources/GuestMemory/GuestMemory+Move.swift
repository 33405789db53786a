extension GuestMemory {
    /// Moves slot `number` to another address, or, without one, out of everyone's sight, while its contents stay. To
    /// be called while nobody uses the memory.
    ///
    /// `badSlot` for a number that no slot has, and for an address that isn't a multiple of 4 KiB or where another
    /// slot lies.
    public func moveSlot(_ number: Int, to base: GuestAddress?) throws(GuestMemoryError) {
        guard slots.indices.contains(number) else { throw .badSlot(base: base ?? 0, size: 0) }
        guard let base else {
            slots[number].isHidden = true
            return
        }
        let size = slots[number].size
        let (end, wraps) = base.addingReportingOverflow(size)
        guard base & 0xFFF == 0, !wraps else { throw .badSlot(base: base, size: size) }
        for (other, slot) in slots.enumerated() where other != number && !slot.isHidden {
            guard end <= slot.base || slot.base + slot.size <= base else { throw .badSlot(base: base, size: size) }
        }
        slots[number].base = base
        slots[number].isHidden = false
    }
}
