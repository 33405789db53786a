import Boot
import CHost
import Devices
import ExecutionEngine
import GuestMemory
import VirtIO

/// The hardware of one start: memory, devices and harts. A reset throws it away and builds another, so no
/// device's state can survive by mistake.
final class Board: @unchecked Sendable {
    let memory: GuestMemory
    let bus: Bus
    let socket: ProcessorSocket
    let sbi: SBIConsole
    /// Whether an address without a device ends in an access fault, as on hardware that starts in M-mode.
    private let vacancyFaults: Bool
    /// The test's end of HTIF, when the guest has one.
    let htif: HTIF?
    let harness: TestHarness?
    /// Where the guest finds it.
    let deviceTree: UInt64
    let configuration: GuestConfiguration
    let trace: ExecutionTrace?
    private let uart: UART16550
    private let clock: HostAlarmClock
    private let input: ConsoleInput
    /// By slot.
    private(set) var transports: [MMIOTransport] = []
    /// The vCPUs of now, by hart id.
    var cpus: [any VirtualCPU] { socket.cpus }

    /// Builds everything and installs the payloads. Hart 0 is ready to run the kernel.
    init(
        _ configuration: GuestConfiguration, payloads: PayloadPlan, engine: any Engine, peripherals: Peripherals,
        finisher: any BoardDelegate, trace: ExecutionTrace?
    ) throws(MachineError) {
        let output = peripherals.consoles.serialOutput
        let input = peripherals.consoles.serialInput
        memory = try Self.makeMemory(configuration)
        try Self.addSlots(of: peripherals.flash, to: memory)
        self.configuration = configuration
        self.trace = trace
        harness = payloads.plan.info.harness
        deviceTree = payloads.plan.info.deviceTree
        let machine = try Self.makeMachine(configuration, memory, engine)
        let socket = ProcessorSocket(machine)
        self.socket = socket
        vacancyFaults = configuration.startMode == .firmware

        let interrupts = InterruptController(configuration, socket)
        uart = UART16550(line: interrupts.line(MemoryMap.uart), sink: output)
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
        htif = Self.makeHTIF(harness, memory, output: output, input: input, delegate: finisher)

        try attach(TestFinisher(delegate: finisher), MemoryMap.testFinisher)
        try attach(GoldfishRTC(line: interrupts.line(MemoryMap.rtc), clock: clock), MemoryMap.rtc)
        for region in interrupts.regions { try attach(region.device, region.place) }
        try attach(uart, MemoryMap.uart)
        if let level = machine.machineLevel { try attach(CLINT(harts: level, count: socket.cpus.count), MemoryMap.clint) }
        try attach(peripherals.flash)
        for (slot, device) in peripherals.virtio.enumerated() {
            let place = MemoryMap.virtio(slot: slot)
            transports.append(try attach(device, place, interrupts.line(place)))
        }
        if configuration.startMode == .firmware {
            // Whoever looks for devices without a device tree reads all of the eight that QEMU's board has.
            for slot in peripherals.virtio.count..<max(MemoryMap.virtioSlotsAlways, peripherals.virtio.count) {
                try attach(EmptySlot(), MemoryMap.virtio(slot: slot))
            }
        }

        try connect(machine, engine)
        do throws(BootError) { try payloads.plan.install(into: memory) } catch { throw MachineError(error) }
        try start(at: payloads.plan.info, configuration.startMode)
        input.connect(uart)
    }

    /// Answers a vCPU's load from an address without RAM.
    func read(_ address: UInt64, width: Int) -> ExitAnswer {
        let value = bus.read(address, width: width)
        return vacancyFaults && !bus.isMapped(address, width: width) ? .accessFault : .data(value)
    }

    /// Makes a vCPU's store to an address without RAM.
    func write(_ address: UInt64, width: Int, value: UInt64) -> ExitAnswer {
        bus.write(address, width: width, value: value)
        return vacancyFaults && !bus.isMapped(address, width: width) ? .accessFault : .none
    }

    /// Cuts what would keep the old devices alive or busy. To be called once no vCPU runs.
    func shutDown() {
        // On return no device touches this board's memory any more.
        for transport in transports { transport.shutDown() }
        input.connect(nil)
        clock.stop()
    }

    private static func makeMemory(_ configuration: GuestConfiguration) throws(MachineError) -> GuestMemory {
        let memory = GuestMemory()
        let size = configuration.memorySize
        do throws(GuestMemoryError) {
            try memory.addRAM(base: MemoryMap.ramBase, size: size, hugePages: configuration.hasHugePages)
        } catch {
            let reason: String =
                switch error {
                case .hostRefused(_, let errno): MachineError.hostText(errno)
                default: "no such range of addresses"
                }
            if configuration.hasHugePages {
                throw MachineError(
                    .host,
                    "--hugepages: the host hasn't \(size / GuestMemory.hugePage) free pages of 2 MiB for \(sizeText(size)) of guest memory: \(reason); reserve them in /proc/sys/vm/nr_hugepages")
            }
            throw MachineError(.host, "the host refuses \(sizeText(size)) of guest memory: \(reason); give less with --mem")
        }
        return memory
    }

    func attach(_ device: any MMIODevice, _ place: MemoryMap.Place) throws(MachineError) {
        do throws(BusError) {
            try bus.attach(device, base: place.base, size: place.size)
        } catch {
            throw MachineError(.bug, "two devices share the address \(hex(place.base)); please report this")
        }
    }

    private static func makeHTIF(
        _ harness: TestHarness?, _ memory: GuestMemory, output: any ByteSink, input: ConsoleInput, delegate: any BoardDelegate
    ) -> HTIF? {
        guard let toHost = harness?.toHost, memory.pointer(toHost, count: 8) != nil else { return nil }
        return HTIF(
            memory: memory, toHost: toHost, fromHost: harness?.fromHost, output: output, input: input, delegate: delegate)
    }

    /// The test's result; nil when the guest names none.
    func signature() -> [UInt8]? {
        guard let start = harness?.signatureStart, let end = harness?.signatureEnd, start <= end, end - start <= 1 << 30
        else { return nil }
        do throws(GuestMemoryError) {
            return try memory.bytes(start, count: Int(end - start))
        } catch { return nil }
    }

    /// The boot protocol: a0 holds the hart's id, a1 the device tree, and in firmware mode a2 what fw_dynamic
    /// wants; there every hart starts, otherwise the first one.
    private func start(at info: BootInfo, _ mode: StartMode) throws(MachineError) {
        guard !cpus.isEmpty else { throw MachineError(.bug, "the engine made no hart; please report this") }
        do throws(EngineError) {
            for cpu in mode == .firmware ? cpus[...] : cpus.prefix(1) {
                try cpu.setRegister(.pc, to: info.entry)
                try cpu.setRegister(.a0, to: UInt64(cpu.id))
                try cpu.setRegister(.a1, to: info.deviceTree)
                if mode == .firmware { try cpu.setRegister(.a2, to: info.firmwareInfo) }
            }
        } catch { throw MachineError(error) }
    }
}

/// Who hears that the guest wants to end.
protocol BoardDelegate: FinisherDelegate {
    /// HTIF's exit code; 0 is success.
    func testEnded(code: UInt64)
}
