import CHost
import ExecutionEngine
import GuestMemory
import Synchronization

/// The harts' mtimecmp registers.
final class MachineTimers: @unchecked Sendable {
    private let lock = host_mutex_create()
    private var compare: [UInt64]

    init(count: Int) { compare = [UInt64](repeating: ~0, count: count) }

    deinit { host_mutex_destroy(lock) }

    /// Calls `body` for the timer of `hart` after it was set to `ticks` (nil: left as it is). One caller at a
    /// time, so that what follows from two settings happens in their order.
    func update(_ hart: Int, to ticks: UInt64?, _ body: (UInt64) -> Void) {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        guard hart >= 0, hart < compare.count else { return }
        if let ticks { compare[hart] = ticks }
        body(compare[hart])
    }
}

extension Cluster: MachineLevel {
    package var machineLevel: (any MachineLevel)? { answersSBI ? nil : self }

    package func watchStores(to address: UInt64) throws(EngineError) {
        guard memory.pointer(address, count: 8) != nil else { throw .invalid("a watched address lies in RAM") }
        for hart in harts { hart.watched.append(address) }
    }

    package func setInterrupt(_ line: MachineInterrupt, hart: Int, _ level: Bool) {
        guard hart >= 0, hart < harts.count else { return }
        let bit =
            switch line {
            case .software: InterruptSet.machineSoftware
            case .external: InterruptSet.machineExternal
            }
        if level { harts[hart].signals.raise(bit) } else { harts[hart].signals.lower(bit) }
    }

    package func setTimer(hart: Int, to ticks: UInt64) { plan(hart, ticks) }

    package func setTime(_ ticks: UInt64) {
        timeOffset.store(ticks &- self.ticks, ordering: .relaxed)
        for hart in harts {
            plan(hart.id, nil)
            // stimecmp is the hart's own.
            hart.signals.request(HartSignals.Request.time)
        }
    }

    /// Raises or clears MTIP by `time` and mtimecmp, and plans the next change (privileged spec 3.2.1).
    private func plan(_ hart: Int, _ ticks: UInt64?) {
        guard hart >= 0, hart < harts.count else { return }
        machineTimers.update(hart, to: ticks) { compare in
            let signals = harts[hart].signals
            if time >= compare {
                timers.set(harts.count + hart, to: ~0) {}
                signals.raise(InterruptSet.machineTimer)
            } else {
                timers.set(harts.count + hart, to: deadline(compare)) { signals.lower(InterruptSet.machineTimer) }
            }
        }
    }
}
