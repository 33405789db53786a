import CHost

/// An address in guest physical memory.
public typealias GuestAddress = UInt64

/// Why guest memory can't be had or reached.
public enum GuestMemoryError: Error, Equatable {
    /// The host refused the allocation; `errno` as the host gave it.
    case hostRefused(size: UInt64, errno: Int32)
    /// Some byte of `address ..< address + count` lies outside every slot, or the range wraps.
    case outOfRange(address: GuestAddress, count: UInt64)
    /// A slot is empty, not page-aligned, wraps around or overlaps another.
    case badSlot(base: GuestAddress, size: UInt64)
    /// No slot has this number.
    case noSuchSlot(Int)
}

/// One contiguous stretch of guest RAM backed by host memory.
public struct MemorySlot {
    /// First guest physical address; a multiple of 4 KiB. The last one that it had while it is out of sight.
    public internal(set) var base: GuestAddress
    /// Bytes; a multiple of 4 KiB.
    public let size: UInt64
    /// Host memory behind `base`; 2 MiB aligned unless it is borrowed.
    public let host: UnsafeMutableRawPointer
    /// Harts and devices read it; a hart's store there is an MMIO exit.
    public let readOnly: Bool
    /// Whether anybody finds it by an address.
    public internal(set) var isInSight = true
    /// Where vCPUs note their writes; nil while nobody wants to know.
    public internal(set) var log: WriteLog?
    /// Released with the memory it is in.
    let isOwned: Bool

    func overlaps(_ start: GuestAddress, _ end: GuestAddress) -> Bool {
        isInSight && start < base + size && base < end
    }

    @inline(__always)
    public func contains(_ address: GuestAddress, _ count: UInt64) -> Bool {
        let offset = address &- base
        return offset < size && count <= size &- offset && isInSight
    }
}

/// Guest RAM: slots, and checked access to them from devices and loaders.
///
/// The slots are set up before any vCPU runs. What changes of them afterwards an engine changes, and sees to it that
/// nobody looks meanwhile. Accesses race with running harts as DMA does; nothing here assumes that memory stays what
/// it was.
public final class GuestMemory: @unchecked Sendable {
    public internal(set) var slots: [MemorySlot] = []

    public init() {}

    deinit {
        for slot in slots {
            if slot.isOwned { host_memory_release(slot.host, Int(slot.size)) }
            slot.log?.release()
        }
    }

    /// Bytes of a huge page.
    public static let hugePage: UInt64 = 2 << 20

    /// Adds zeroed RAM at `base`. Pages become resident when they are first touched. With `hugePages` they are the
    /// host's reserved ones of 2 MiB, and `size` is a multiple of that.
    public func addRAM(
        base: GuestAddress, size: UInt64, readOnly: Bool = false, hugePages: Bool = false
    ) throws(GuestMemoryError) {
        try check(base, size)
        guard !hugePages || size % Self.hugePage == 0 else { throw .badSlot(base: base, size: size) }
        var error: Int32 = 0
        let reserved = hugePages
            ? host_memory_reserve_huge(Int(size), &error) : host_memory_reserve(Int(size), Int(Self.hugePage), &error)
        guard let host = reserved else {
            throw .hostRefused(size: size, errno: error)
        }
        slots.append(MemorySlot(base: base, size: size, host: host, readOnly: readOnly, isOwned: true))
    }

    /// Adds the `size` bytes at `host` as RAM at `base`: memory that belongs to the caller and outlives this
    /// object, such as a piece of a larger mapping. `host` is a multiple of 4 KiB.
    public func addRAM(
        base: GuestAddress, size: UInt64, borrowing host: UnsafeMutableRawPointer, readOnly: Bool = false
    ) throws(GuestMemoryError) {
        try check(base, size)
        guard UInt(bitPattern: host) & 0xFFF == 0 else { throw .badSlot(base: base, size: size) }
        slots.append(MemorySlot(base: base, size: size, host: host, readOnly: readOnly, isOwned: false))
    }

    /// Refuses a place for a slot, the one that slot `index` has aside.
    func check(_ base: GuestAddress, _ size: UInt64, besides index: Int? = nil) throws(GuestMemoryError) {
        let (end, wraps) = base.addingReportingOverflow(size)
        guard size > 0, base & 0xFFF == 0, size & 0xFFF == 0, !wraps, size < 1 << 56,
            !slots.indices.contains(where: { $0 != index && slots[$0].overlaps(base, end) })
        else { throw .badSlot(base: base, size: size) }
    }

    /// Host pointer to `count` contiguous bytes at `address`, or nil when any of them is outside a slot.
    public func pointer(_ address: GuestAddress, count: UInt64) -> UnsafeMutableRawPointer? {
        for slot in slots where slot.contains(address, count) {
            return slot.host + Int(address &- slot.base)
        }
        return nil
    }

    /// The same for what will be written: nil as well when the slot is read-only.
    public func writablePointer(_ address: GuestAddress, count: UInt64) -> UnsafeMutableRawPointer? {
        for slot in slots where slot.contains(address, count) {
            return slot.readOnly ? nil : slot.host + Int(address &- slot.base)
        }
        return nil
    }
}
