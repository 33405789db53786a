import CHost
import ExecutionEngine

/// What a guest's stopped machine goes on from on another one, guest memory and devices aside.
struct MachineState {
    private var harts: [HartState] = []
    /// What `time` showed, and CLOCK_MONOTONIC just before.
    private let time: UInt64
    private let moment: UInt64
    /// Of `time`, in Hz.
    private let timebase: UInt64

    /// Reads a machine none of whose vCPUs runs or has an exit left to answer.
    init(of machine: any VirtualMachine, _ cpus: [any VirtualCPU], timebase: UInt64, files: IMSICSetup?) throws(MachineError) {
        for cpu in cpus { harts.append(try HartState(of: cpu, machine, files: files)) }
        self.timebase = timebase
        moment = host_clock_monotonic_ns()
        guard let first = cpus.first else { throw MachineError(.bug, "a machine without harts; please report this") }
        do throws(EngineError) { time = try first.register(.time) } catch { throw MachineError(error) }
    }

    /// Writes it to a machine of which no vCPU has run yet.
    func load(into machine: any VirtualMachine, _ cpus: [any VirtualCPU]) throws(MachineError) {
        guard cpus.count == harts.count, let first = cpus.first else {
            throw MachineError(.bug, "the engines made machines of different sizes; please report this")
        }
        // Before the timers, which are set by it. It goes on meanwhile, as the devices' clocks do.
        do throws(EngineError) { try first.setRegister(.time, to: now) } catch { throw MachineError(error) }
        for (hart, cpu) in zip(harts, cpus) { try hart.load(into: cpu, machine) }
    }

    private var now: UInt64 {
        let product = (host_clock_monotonic_ns() &- moment).multipliedFullWidth(by: timebase)
        guard product.high < 1_000_000_000 else { return time }
        return time &+ (1_000_000_000 as UInt64).dividingFullWidth(product).quotient
    }
}
