import CHost
import ExecutionEngine
import RISCV

/// A hart as the engine boundary shows it.
final class HartCPU: VirtualCPU, @unchecked Sendable {
    let hart: Hart
    var power: HartPower { hart.power }
    var id: Int { hart.id }

    let cluster: Cluster

    init(_ hart: Hart, _ cluster: Cluster) {
        self.hart = hart
        self.cluster = cluster
    }

    func kick() { hart.signals.request(HartSignals.Request.exit) }

    func setExternalInterrupt(_ level: Bool) {
        hart.signals.setSupervisorExternal(level, byWire: true)
    }

    func run(_ answer: ExitAnswer) -> Exit {
        hart.hasRun = true
        hart.finish(answer)
        // A debugger plants its breakpoints, and takes them away, without a word.
        if hart.isDebugging { hart.fenceInstruction() }
        while true {
            if power.state != .started {
                hart.stopWatchingCounters()
                defer { hart.watchCounters() }
                if !awaitStart() { return .interrupted }
            }
            cluster.gate.enter(hart.signals)
            let end = hart.run()
            hart.signals.leaveGuest()
            switch end {
            case .kicked: return .interrupted
            case .exit: return hart.exit
            case .stopped, .calledOut: continue
            // A suspended hart's sleep outlasts a kick, unlike WFI's.
            case .wait:
                if power.state == .suspended { continue }
                hart.stopWatchingCounters()
                sleep()
                hart.watchCounters()
            }
        }
    }

    /// Sleeps while the hart is stopped or suspended. False when a kick came first.
    private func awaitStart() -> Bool {
        while true {
            switch power.state {
            case .started: return true
            case .suspended:
                hart.signals.sleep(until: ~0) { hart.wakes || hart.signals.hasRequests }
                if hart.wakes {
                    power.suspend(false)
                    return true
                }
                let requests = hart.signals.takeRequests()
                hart.serveFences()
                if requests & HartSignals.Request.time != 0 { hart.updateTimers() }
                if requests & HartSignals.Request.exit != 0 { return false }
            case .startPending:
                hart.serveFences()
                hart.takePendingStart()
            case .stopped:
                hart.signals.sleep(until: ~0) { hart.signals.hasRequests }
                let requests = hart.signals.takeRequests()
                hart.serveFences()
                if requests & HartSignals.Request.exit != 0 { return false }
            }
        }
    }

    /// WFI: until an enabled interrupt is pending, whether or not it would be taken, or a request comes.
    private func sleep() {
        hart.signals.sleep(until: ~0) { hart.wakes || hart.signals.hasRequests }
    }

    func setDebugging(_ isOn: Bool) throws(EngineError) {
        hart.isDebugging = isOn
        // Breakpoints may have gone with it.
        hart.fenceInstruction()
    }

    func takeDirtyPages() throws(EngineError) -> [DirtyPage] {
        throw .unsupported("the interpreter's vCPUs have no ring of written pages; use the log")
    }
}
