import ExecutionEngine

extension Cluster {
    @discardableResult
    func sendMSI(address: UInt64, data: UInt32) -> Bool {
        guard let pages = interruptPages, address & 3 == 0 else { return false }
        return pages.store(address, data)
    }
}

extension Hart {
    /// Carries out an aligned load or store outside RAM that lies in a page for interrupt files, where loads read 0
    /// ("Memory region for an interrupt file"). False when it lies elsewhere; other than 32 bits wide is an access fault.
    func accessInterruptPage(_ address: UInt64, _ size: UInt64, storing value: UInt64? = nil) throws(Fault) -> Bool {
        guard let pages = cluster.interruptPages, pages.contains(address) else { return false }
        guard size == 4 else { throw .access }
        if let value { _ = pages.store(address, UInt32(truncatingIfNeeded: value)) }
        return true
    }
}
