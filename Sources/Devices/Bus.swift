import Synchronization

/// Why a device can't be put where it was asked for.
package enum BusError: Error, Equatable {
    /// The range is empty or runs past the end of the address space.
    case badRange(base: UInt64, size: UInt64)
    /// The range shares bytes with a device that is there already.
    case overlap(base: UInt64, size: UInt64, otherBase: UInt64, otherSize: UInt64)
}

/// One access as a `BusObserver` sees it.
package struct BusAccess: Equatable, Sendable {
    package let address: UInt64
    /// Bytes.
    package let width: Int
    /// What was stored, or what the load returned.
    package let value: UInt64
    package let isWrite: Bool
    /// False when no device answered.
    package let isMapped: Bool

    package init(address: UInt64, width: Int, value: UInt64, isWrite: Bool, isMapped: Bool) {
        self.address = address
        self.width = width
        self.value = value
        self.isWrite = isWrite
        self.isMapped = isMapped
    }
}

/// Sees every access to the bus after it was made, on the thread that made it; for traces.
package protocol BusObserver: AnyObject, Sendable {
    func accessed(_ access: BusAccess)
}

/// Maps guest physical addresses outside RAM to devices.
///
/// Devices are attached, and the observer set, before any vCPU runs; afterwards nothing changes, so lookups take
/// no lock. A load that no device answers reads 0 and a store there is dropped: KVM's user space has no way to
/// raise an access fault, and both engines must look the same. An access that straddles a device's end has no
/// device.
package final class Bus: @unchecked Sendable {
    private struct Mapping {
        let base: UInt64
        /// The last address, so that a device may end with the address space.
        let last: UInt64
        let device: any MMIODevice
    }

    /// Sorted by address.
    private var mappings: [Mapping] = []
    private let unmapped = Atomic<UInt64>(0)

    /// Called for every access when set; set it before any vCPU runs.
    package var observer: (any BusObserver)?

    package init() {}

    /// How many accesses found no device since the start.
    package var unmappedCount: UInt64 { unmapped.load(ordering: .relaxed) }

    /// Puts `device` at the `size` bytes from `base`.
    package func attach(_ device: any MMIODevice, base: UInt64, size: UInt64) throws(BusError) {
        let (last, wraps) = base.addingReportingOverflow(size &- 1)
        guard size > 0, !wraps else { throw .badRange(base: base, size: size) }
        for other in mappings where base <= other.last && other.base <= last {
            throw .overlap(base: base, size: size, otherBase: other.base, otherSize: other.last &- other.base &+ 1)
        }
        let index = mappings.firstIndex { $0.base > base } ?? mappings.count
        mappings.insert(Mapping(base: base, last: last, device: device), at: index)
    }

    /// Answers a load of `width` bytes (1, 2, 4 or 8) at `address`, zero-extended.
    package func read(_ address: UInt64, width: Int) -> UInt64 {
        let index = find(address, width)
        var value: UInt64 = 0
        if index >= 0 {
            let offset = address &- mappings[index].base
            value = mappings[index].device.read(offset: offset, width: width) & RegisterAccess.mask(width: width)
        }
        if index < 0 || observer != nil { note(address, width, value, isWrite: false, isMapped: index >= 0) }
        return value
    }

    /// Makes a store of the low `width` bytes (1, 2, 4 or 8) of `value` at `address`.
    package func write(_ address: UInt64, width: Int, value: UInt64) {
        let index = find(address, width)
        let value = value & RegisterAccess.mask(width: width)
        if index >= 0 {
            let offset = address &- mappings[index].base
            mappings[index].device.write(offset: offset, width: width, value: value)
        }
        if index < 0 || observer != nil { note(address, width, value, isWrite: true, isMapped: index >= 0) }
    }

    /// Whether one device has all of the `width` bytes at `address`.
    package func isMapped(_ address: UInt64, width: Int) -> Bool { find(address, width) >= 0 }

    /// Index of the mapping that holds all of the access, or -1.
    private func find(_ address: UInt64, _ width: Int) -> Int {
        guard width == 4 || width == 1 || width == 2 || width == 8 else { return -1 }
        // The number of mappings that start at or below the address; the last of them is the only candidate.
        var low = 0
        var high = mappings.count
        while low < high {
            let middle = (low &+ high) / 2
            if mappings[middle].base <= address { low = middle &+ 1 } else { high = middle }
        }
        guard low > 0 else { return -1 }
        let candidate = low &- 1
        let last = mappings[candidate].last
        guard address <= last, UInt64(width &- 1) <= last &- address else { return -1 }
        return candidate
    }

    @inline(never)
    private func note(_ address: UInt64, _ width: Int, _ value: UInt64, isWrite: Bool, isMapped: Bool) {
        if !isMapped { unmapped.wrappingAdd(1, ordering: .relaxed) }
        observer?.accessed(
            BusAccess(address: address, width: width, value: value, isWrite: isWrite, isMapped: isMapped))
    }
}
