import CHost
import ExecutionEngine

extension KVMSpace {
    /// See `VirtualMachine.logWrites`. On a machine with rings the pages come out there.
    package func logWrites(slot: Int, _ isOn: Bool) throws(EngineError) {
        try lock.withLock { () throws(EngineError) in
            let number = try checked(slot)
            guard slots[number].isLogged != isOn else { return }
            slots[number].isLogged = isOn
            slots[number].keptLog = []
            // What is out of sight the kernel doesn't know.
            guard slots[number].base != nil else { return }
            do throws(EngineError) { try setSlot(number) } catch {
                slots[number].isLogged = !isOn
                throw error
            }
        }
    }

    /// See `VirtualMachine.takeWrites`.
    package func takeWrites(slot: Int) throws(EngineError) -> [UInt64] {
        try lock.withLock { () throws(EngineError) in
            let number = try checked(slot)
            guard slots[number].isLogged else { throw .missing("the writes to memory slot \(number) aren't logged") }
            guard ringSize == nil else { throw .unsupported("this machine's vCPUs tell the pages they write through their rings") }
            let log = try takeLog(number)
            slots[number].keptLog = []
            return log
        }
    }

    /// The kernel's log of a slot, with what was kept of an earlier one; the pages count as clean from now on.
    func takeLog(_ number: Int) throws(EngineError) -> [UInt64] {
        let slot = slots[number]
        var log = [UInt64](repeating: 0, count: slot.words)
        if slot.base != nil {
            let status = log.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { host_kvm_dirty_log(descriptor, UInt32(number), $0) } ?? 0
            }
            guard status >= 0 else { throw .kvm("the log of writes to memory slot \(number)", -status) }
        }
        for word in slot.keptLog.indices { log[word] |= slot.keptLog[word] }
        return log
    }
}
