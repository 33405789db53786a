// What may change of a slot while guests run, as long as whoever calls keeps all others out meanwhile.
extension GuestMemory {
    /// Moves slot `index` to another address, or without one out of sight: nothing is found there then. Its contents
    /// stay. `noSuchSlot`, or `badSlot` for an address that isn't a multiple of 4 KiB or where another slot lies.
    public func moveSlot(_ index: Int, to base: GuestAddress?) throws(GuestMemoryError) {
        guard slots.indices.contains(index) else { throw .noSuchSlot(index) }
        if let base {
            try check(base, slots[index].size, besides: index)
            slots[index].base = base
        }
        slots[index].isInSight = base != nil
    }

    /// Starts or ends the log of writes to slot `index`; starting it again changes nothing. `noSuchSlot`, or
    /// `hostRefused`.
    public func logWrites(_ index: Int, _ isOn: Bool) throws(GuestMemoryError) {
        guard slots.indices.contains(index) else { throw .noSuchSlot(index) }
        let slot = slots[index]
        if isOn == (slot.log != nil) { return }
        if isOn {
            guard let log = WriteLog(size: slot.size) else { throw .hostRefused(size: slot.size >> 15, errno: 12) }
            slots[index].log = log
        } else {
            slots[index].log = nil
            slot.log?.release()
        }
    }

    /// The pages of slot `index` that were noted since the log started or since the last call; nil without a log.
    /// Any thread may call it.
    public func takeWrites(_ index: Int) -> [UInt64]? {
        slots.indices.contains(index) ? slots[index].log?.take() : nil
    }

    /// `writablePointer` for a vCPU's write, which is noted where there is a log.
    public func notedPointer(_ address: GuestAddress, count: UInt64) -> UnsafeMutableRawPointer? {
        for slot in slots where slot.contains(address, count) {
            if slot.readOnly { return nil }
            let offset = address &- slot.base
            slot.log?.note(offset, count)
            return slot.host + Int(truncatingIfNeeded: offset)
        }
        return nil
    }
}
