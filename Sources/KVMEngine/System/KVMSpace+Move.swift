import CHost
import ExecutionEngine
import GuestMemory

extension KVMSpace {
    /// See `VirtualMachine.moveSlot`.
    package func moveSlot(_ slot: Int, to base: UInt64?) throws(EngineError) {
        try lock.withLock { () throws(EngineError) in
            let number = try checked(slot)
            let old = slots[number].base
            guard base != old else { return }
            do throws(GuestMemoryError) { try memory.moveSlot(number, to: base) } catch {
                throw .invalid(
                    "memory slot \(number) of \(slots[number].size >> 10) KiB can't lie at 0x\(String(base ?? 0, radix: 16)): addresses are multiples of 4 KiB, and slots don't overlap")
            }
            do throws(EngineError) {
                if base == nil, slots[number].isLogged, ringSize == nil { try keepLog(number) }
                slots[number].base = base
                try setSlot(number)
            } catch {
                slots[number].base = old
                // Where it lay there is room.
                _ = try? memory.moveSlot(number, to: old)
                throw error
            }
        }
    }

    /// Takes the log of a slot that is about to go. The kernel forgets it with the slot, and a vCPU that runs may
    /// write between asking for it and the end; so the slot goes where no guest looks before it is asked.
    private func keepLog(_ number: Int) throws(EngineError) {
        let old = slots[number].base
        slots[number].base = try vacancy(slots[number].size)
        do throws(EngineError) {
            try setSlot(number)
            slots[number].keptLog = try takeLog(number)
        } catch {
            slots[number].base = old
            try setSlot(number)
            throw error
        }
    }

    /// The highest address with room for `size` bytes.
    private func vacancy(_ size: UInt64) throws(EngineError) -> UInt64 {
        // KVM leaves the last page out.
        var end: UInt64 = 1 << UInt64(addressBits) - 4096
        while end >= size {
            let base = end - size
            var obstacle: UInt64?
            for slot in slots {
                if let other = slot.base, other < end, base < other + slot.size { obstacle = min(other, obstacle ?? other) }
            }
            guard let obstacle else { return base }
            end = obstacle
        }
        throw .busy("there is no room to take the log of \(size >> 10) KiB of guest memory; end it first")
    }
}
