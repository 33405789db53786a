import ExecutionEngine
import GuestMemory

// Slots that move, and the log of writes to them, under running harts.
//
// A hart that has a page's address for stores in its TLB has noted the page before, in the same slow path: harts look at
// fences between blocks only, so a fence never comes between the two. Who takes the log empties it first and then has
// every hart forget what its stores have found. A hart that noted a page before that has made its stores when it
// acknowledges the fence; one that notes it later is in the next answer. Outside guest code harts write no memory.
extension Cluster {
    package func moveSlot(_ slot: Int, to base: UInt64?) throws(EngineError) {
        guard memory.slots.indices.contains(slot) else { throw Self.noSlot(slot) }
        var refusal: GuestMemoryError?
        gate.whileClosed(to: harts) {
            do throws(GuestMemoryError) { try memory.moveSlot(slot, to: base) } catch { refusal = error }
            for hart in harts {
                hart.noteMemory()
                _ = hart.signals.post(.everything)
            }
        }
        if refusal != nil {
            throw .invalid("slot \(slot) can't lie at \(hexText(base ?? 0)): slots lie at multiples of 4 KiB, each by itself")
        }
    }

    package func logWrites(slot: Int, _ isOn: Bool) throws(EngineError) {
        guard memory.slots.indices.contains(slot) else { throw Self.noSlot(slot) }
        var refusal: GuestMemoryError?
        gate.whileClosed(to: harts) {
            do throws(GuestMemoryError) { try memory.logWrites(slot, isOn) } catch { refusal = error }
            for hart in harts {
                hart.noteMemory()
                _ = hart.signals.postStores()
            }
        }
        if refusal != nil { throw .host("no memory for the log of slot \(slot)", errno: 12) }
    }

    package func takeWrites(slot: Int) throws(EngineError) -> [UInt64] {
        let taken = gate.whileSteady { () -> [UInt64]? in
            guard let taken = memory.takeWrites(slot) else { return nil }
            let tickets = harts.map { $0.signals.postStores() }
            for (hart, ticket) in zip(harts, tickets) { Gate.wait { hart.signals.isPast(ticket) } }
            return taken
        }
        guard let taken else { throw .missing("writes to slot \(slot) aren't logged") }
        return taken
    }

    private static func noSlot(_ slot: Int) -> EngineError { .missing("there is no memory slot \(slot)") }
}
