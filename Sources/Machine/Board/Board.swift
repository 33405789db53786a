import Boot
import CHost
import Devices
import ExecutionEngine
import GuestMemory

/// The hardware of one start: memory, devices and harts. A reset throws it away and builds another, so no
/// device's state can survive by mistake.
final class Board: @unchecked Sendable {
    let memory: GuestMemory
    let bus: Bus
    let cpus: [any VirtualCPU]
    let sbi: SBIConsole
    private let uart: UART16550
    private let clock: HostAlarmClock
    private let input: ConsoleInput

    /// Builds everything and installs the payloads. Hart 0 is ready to run the kernel.
    init(
        _ configuration: GuestConfiguration, payloads: PayloadPlan, engine: any Engine, output: any ByteSink,
        input: ConsoleInput, finisher: any FinisherDelegate, trace: ExecutionTrace?
    ) throws(MachineError) {
        memory = try Self.makeMemory(configuration)
        let machine = try Self.makeMachine(configuration, memory, engine)
        try Self.connect(trace, to: machine, configuration, engine)
        cpus = machine.cpus

        // Context 2h + 1 is hart h's S-mode; the even ones, M-mode's, lead nowhere.
        var wires: [(any InterruptLine)?] = []
        for cpu in cpus {
            wires.append(nil)
            wires.append(HartInterrupt(cpu))
        }
        let plic = PLIC(wires: wires)
        func line(_ place: MemoryMap.Place) -> any InterruptLine { plic.line(source: Int(place.irq)) ?? UnconnectedLine() }
        uart = UART16550(line: line(MemoryMap.uart), sink: output)
        do throws(AlarmClockError) {
            clock = try HostAlarmClock()
        } catch {
            switch error {
            case .noThread(let errno):
                throw MachineError(.host, "the host refuses a thread for the clock: \(MachineError.hostText(errno))")
            }
        }
        bus = Bus()
        sbi = SBIConsole(memory: memory, output: output, input: input)
        self.input = input

        try attach(TestFinisher(delegate: finisher), MemoryMap.testFinisher)
        try attach(GoldfishRTC(line: line(MemoryMap.rtc), clock: clock), MemoryMap.rtc)
        try attach(plic, MemoryMap.plic)
        try attach(uart, MemoryMap.uart)

        do throws(BootError) { try payloads.plan.install(into: memory) } catch { throw MachineError(error) }
        try start(at: payloads.plan.info)
        input.connect(uart)
    }

    /// Cuts what would keep the old devices alive or busy. To be called once no vCPU runs.
    func shutDown() {
        input.connect(nil)
        clock.stop()
    }

    private static func makeMemory(_ configuration: GuestConfiguration) throws(MachineError) -> GuestMemory {
        let memory = GuestMemory()
        let size = configuration.memorySize
        do throws(GuestMemoryError) {
            try memory.addRAM(base: MemoryMap.ramBase, size: size)
        } catch {
            let reason: String =
                switch error {
                case .hostRefused(_, let errno): MachineError.hostText(errno)
                default: "no such range of addresses"
                }
            throw MachineError(.host, "the host refuses \(sizeText(size)) of guest memory: \(reason); give less with --mem")
        }
        return memory
    }

    private static func makeMachine(
        _ configuration: GuestConfiguration, _ memory: GuestMemory, _ engine: any Engine
    ) throws(MachineError) -> any VirtualMachine {
        let setup = MachineSetup(
            memory: memory, cpuCount: configuration.cpuCount, extensions: configuration.extensions,
            timebase: MemoryMap.timebase)
        do throws(EngineError) { return try engine.makeMachine(setup) } catch { throw MachineError(error) }
    }

    /// Has `--trace traps,insns` its lines, from an engine that can tell them.
    private static func connect(
        _ trace: ExecutionTrace?, to machine: any VirtualMachine, _ configuration: GuestConfiguration, _ engine: any Engine
    ) throws(MachineError) {
        guard let trace, let wanted = configuration.trace, wanted.traps || wanted.instructions else { return }
        guard let inspector = machine.inspector else {
            throw MachineError(.usage, "--trace: the engine \(engine.name) shows exits only, no traps or instructions")
        }
        inspector.trace(to: trace, traps: wanted.traps, instructions: wanted.instructions)
    }

    private func attach(_ device: any MMIODevice, _ place: MemoryMap.Place) throws(MachineError) {
        do throws(BusError) {
            try bus.attach(device, base: place.base, size: place.size)
        } catch {
            throw MachineError(.bug, "two devices share the address \(hex(place.base)); please report this")
        }
    }

    /// The boot protocol: a0 holds the hart's id, a1 the device tree.
    private func start(at info: BootInfo) throws(MachineError) {
        guard let boot = cpus.first else { throw MachineError(.bug, "the engine made no hart; please report this") }
        do throws(EngineError) {
            try boot.setRegister(.pc, to: info.entry)
            try boot.setRegister(.a0, to: UInt64(boot.id))
            try boot.setRegister(.a1, to: info.deviceTree)
        } catch { throw MachineError(error) }
    }
}

extension MachineError {
    init(_ error: EngineError) {
        switch error {
        case .unsupported(let text): self.init(.usage, text)
        case .invalid(let text), .missing(let text), .busy(let text): self.init(.bug, text)
        case .host(let text, let errno): self.init(.host, "\(text): \(Self.hostText(errno))")
        }
    }
}
