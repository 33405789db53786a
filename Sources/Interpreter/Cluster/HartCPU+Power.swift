import ExecutionEngine

extension HartCPU {
    /// SBI HSM knows more states: a hart that it suspends runs as one in WFI does.
    package func powerState() throws(EngineError) -> PowerState {
        hart.takePendingStart()
        return power.state == .stopped ? .stopped : .runnable
    }

    package func setPowerState(_ state: PowerState) throws(EngineError) {
        hart.takePendingStart()
        switch state {
        // One that SBI HSM suspends goes on sleeping.
        case .runnable: if power.state == .stopped { power.start() }
        case .stopped: power.stop()
        }
    }
}

extension Hart {
    /// Makes the start that another hart has asked for, so that the registers are those it begins with.
    func takePendingStart() {
        guard let start = power.takeStart() else { return }
        startSupervisor(at: start.address, argument: start.argument)
    }
}
