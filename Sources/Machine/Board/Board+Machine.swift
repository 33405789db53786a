import Boot
import ExecutionEngine
import GuestMemory
import VirtIO

/// The engine's machine: made, connected with the board, and changed for another.
extension Board {
    static func makeMachine(
        _ configuration: GuestConfiguration, _ memory: GuestMemory, _ engine: any Engine
    ) throws(MachineError) -> any VirtualMachine {
        let setup = MachineSetup(
            memory: memory, cpuCount: configuration.cpuCount, extensions: configuration.extensions,
            timebase: configuration.timebase, mode: configuration.startMode, imsic: configuration.imsic)
        do throws(EngineError) {
            let machine = try engine.makeMachine(setup)
            for cpu in machine.cpus { try chooseCalls(of: cpu, without: configuration.withheldCalls) }
            return machine
        } catch { throw MachineError(error, configuration) }
    }

    /// Lets the guest's calls of SBI's debug console come to us, where the engine knows it, and takes away what the
    /// guest isn't to have.
    private static func chooseCalls(of cpu: any VirtualCPU, without withheld: [SBIExtensionNumber]) throws(EngineError) {
        do throws(EngineError) {
            try cpu.setRegister(.sbiExtension(.debugConsole), to: 1)
        } catch {
            guard case .missing = error else { throw error }
        }
        for one in withheld where (try? cpu.register(.sbiExtension(one))) == 1 {
            try cpu.setRegister(.sbiExtension(one), to: 0)
        }
    }

    /// Has a machine know of the board what it needs before its vCPUs run.
    func connect(_ machine: any VirtualMachine, _ engine: any Engine) throws(MachineError) {
        try traceHarts(of: machine, engine)
        do throws(EngineError) {
            for address in watchedAddresses { try machine.watchStores(to: address) }
            for (slot, transport) in transports.enumerated() {
                try transport.connectDoorbells(to: machine, base: MemoryMap.virtio(slot: slot).base)
            }
        } catch { throw MachineError(error) }
    }

    /// Has the guest go on on a new machine of `engine`. To be called while no vCPU runs or has an exit left to
    /// answer. After an error the guest is where it was, and as it was.
    func move(to engine: any Engine) throws(MachineError) {
        let machine = try Self.makeMachine(configuration, memory, engine)
        let cpus = machine.cpus
        try connect(machine, engine)
        try socket.replace(by: machine, cpus) { () throws(MachineError) in
            let state = try MachineState(
                of: socket.machine, socket.cpus, timebase: configuration.timebase, files: configuration.imsic)
            try state.load(into: machine, cpus)
        }
    }

    /// Has `--trace traps,insns` its lines, from an engine that can tell them.
    private func traceHarts(of machine: any VirtualMachine, _ engine: any Engine) throws(MachineError) {
        guard let trace, let wanted = configuration.trace, wanted.traps || wanted.instructions else { return }
        guard let inspector = machine.inspector else {
            throw MachineError(.usage, "--trace: the engine \(engine.name) shows exits only, no traps or instructions")
        }
        inspector.trace(to: trace, traps: wanted.traps, instructions: wanted.instructions)
    }

    /// Where a test's end of HTIF is stored to.
    private var watchedAddresses: [UInt64] {
        guard htif != nil, let toHost = harness?.toHost else { return [] }
        // Taking an answer away makes room for the next.
        guard let fromHost = harness?.fromHost, memory.pointer(fromHost, count: 8) != nil else { return [toHost] }
        return [toHost, fromHost]
    }
}
