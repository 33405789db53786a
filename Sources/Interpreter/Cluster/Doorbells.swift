import CHost
import ExecutionEngine
import GuestMemory

/// The doorbells of a machine: sorted, so that a store finds out quickly whether it rings one. Changes only
/// while no hart runs.
struct Doorbells {
    private struct Doorbell: Equatable {
        let address: UInt64
        let width: Int
        /// Nil: any value rings.
        let value: UInt64?
        let eventfd: Int32

        /// Whether one store could ring both.
        func overlaps(_ other: Doorbell) -> Bool {
            address == other.address && width == other.width
                && (value == nil || other.value == nil || value == other.value)
        }
    }

    /// By address.
    private var all: [Doorbell] = []

    /// Signals the doorbell of this store; false when it has none. The bits of `value` beyond the width are 0.
    func ring(_ address: UInt64, width: Int, value: UInt64) -> Bool {
        var index = firstIndex(at: address)
        while index < all.count, all[index].address == address {
            let doorbell = all[index]
            if doorbell.width == width, doorbell.value == nil || doorbell.value == value {
                host_eventfd_signal(doorbell.eventfd)
                return true
            }
            index &+= 1
        }
        return false
    }

    mutating func add(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        guard width == 1 || width == 2 || width == 4 || width == 8, address & UInt64(width - 1) == 0 else {
            throw .invalid("a doorbell has 1, 2, 4 or 8 bytes and is aligned to them")
        }
        if let value, width < 8, value >> UInt64(8 * width) != 0 {
            throw .invalid("a doorbell's value fits into its width")
        }
        let new = Doorbell(address: address, width: width, value: value, eventfd: eventfd)
        guard !all.contains(where: new.overlaps) else { throw .busy("there is such a doorbell already") }
        all.insert(new, at: firstIndex(at: address))
    }

    mutating func remove(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        let old = Doorbell(address: address, width: width, value: value, eventfd: eventfd)
        guard let index = all.firstIndex(of: old) else { throw .missing("there is no such doorbell") }
        all.remove(at: index)
    }

    /// Where the doorbells at `address` begin, or would.
    private func firstIndex(at address: UInt64) -> Int {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low &+ high) / 2
            if all[middle].address < address { low = middle &+ 1 } else { high = middle }
        }
        return low
    }
}

extension Cluster {
    package func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        guard width > 0, memory.pointer(address, count: UInt64(width)) == nil else {
            throw .invalid("a doorbell lies outside RAM")
        }
        try doorbells.add(address: address, width: width, value: value, eventfd: eventfd)
    }

    package func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        try doorbells.remove(address: address, width: width, value: value, eventfd: eventfd)
    }
}
