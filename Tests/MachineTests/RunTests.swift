import ExecutionEngine
import Foundation
import Machine
import Testing

/// A machine over an engine with scripted exits: what the run loop answers, and how machines end.
@Suite struct RunTests {
    let output = Recorder()
    let input = ConsoleInput(wake: -1)
    let scratch = Scratch()

    func machine(
        _ engine: FakeEngine, trace: Recorder? = nil, _ change: (inout GuestConfiguration) -> Void = { _ in }
    ) throws -> Machine {
        var configuration = GuestConfiguration()
        configuration.memorySize = 64 << 20
        // A script that doesn't end a machine must not hang the tests.
        configuration.timeout = 20_000_000_000
        configuration.useKernel(scratch.kernel())
        change(&configuration)
        return try Machine(
            configuration, payloads: PayloadPlan(configuration), engine: engine,
            host: HostConnections(output: output, input: input), trace: trace)
    }

    static let uart: UInt64 = 0x1000_0000
    static let finisher: UInt64 = 0x10_0000

    static func put(_ letter: Character) -> Exit {
        .mmioWrite(address: uart, width: 1, value: UInt64(letter.asciiValue ?? 0))
    }

    static func sbi(_ extensionID: UInt64, _ functionID: UInt64 = 0, _ a0: UInt64 = 0, _ a1: UInt64 = 0, _ a2: UInt64 = 0) -> Exit {
        .sbi(SBICall(extensionID: extensionID, functionID: functionID, a0: a0, a1: a1, a2: a2, a3: 0, a4: 0, a5: 0))
    }

    @Test func guestPowersOff() throws {
        let outcome = try machine(FakeEngine([.systemEvent(.shutdown(reason: 0))])).run()
        #expect(outcome == .poweredOff)
        #expect(outcome.status == 0)
    }

    @Test func systemFailureIsAFailure() throws {
        #expect(try machine(FakeEngine([.systemEvent(.shutdown(reason: 1))])).run().status == 1)
    }

    @Test(arguments: [(0x5555, 0), (0x3333, 1), (0x2A_3333, 42), (0x100_3333, 1), (0x1FF_3333, 255)])
    func finisherEndsTheMachine(_ value: UInt64, _ status: Int32) throws {
        let write = Exit.mmioWrite(address: Self.finisher, width: 4, value: value)
        #expect(try machine(FakeEngine([write])).run().status == status)
    }

    @Test func mmioReachesDevices() throws {
        let engine = FakeEngine([
            Self.put("h"), Self.put("i"), .mmioRead(address: Self.uart + 5, width: 1),
            .mmioRead(address: 0x4000_0000, width: 4), .systemEvent(.shutdown(reason: 0)),
        ])
        _ = try machine(engine).run()
        #expect(output.text == "hi")
        let answers = engine.made[0].answers
        // LSR: the transmitter is empty. Nothing answers at 0x4000_0000.
        #expect(answers.contains(.data(0x60)))
        #expect(answers.contains(.data(0)))
    }

    @Test func vacantAddressesFaultInFirmwareMode() throws {
        let engine = FakeEngine([
            .mmioRead(address: 0x4000_0000, width: 4), .mmioRead(address: Self.uart + 5, width: 1),
            .mmioWrite(address: 0x4000_0000, width: 4, value: 1), .mmioWrite(address: Self.uart + 0xFE, width: 4, value: 1),
            .systemEvent(.shutdown(reason: 0)),
        ])
        _ = try machine(engine) { $0.firmware = .none }.run()
        #expect(engine.made[0].answers.prefix(5) == [.none, .accessFault, .data(0x60), .accessFault, .accessFault])
    }

    @Test func firmwareFindsEightSlots() throws {
        let slots = (0..<9).map { Exit.mmioRead(address: 0x1000_1000 + $0 * 0x1000, width: 4) }
        let engine = FakeEngine(slots + [.mmioRead(address: 0x1000_1008, width: 4), .systemEvent(.shutdown(reason: 0))])
        _ = try machine(engine) { $0.firmware = .none }.run()
        let magic = ExitAnswer.data(0x7472_6976)
        #expect(engine.made[0].answers.dropFirst().prefix(10) == [magic, magic, magic, magic, magic, magic, magic, magic, .accessFault, .data(0)])
    }

    /// What a driver does to have the UART's interrupt, which is source 10, sent to hart 1.
    private func usesUART(aplic: UInt64, target: UInt64) -> [Exit] {
        let registers: [(UInt64, UInt64)] = [(4 * 10, 6), (0x3000 + 4 * 10, 1 << 18 | target), (0x1EDC, 10), (0x4020, 1), (0, 0x100)]
        var exits = registers.map { Exit.mmioWrite(address: aplic + $0.0, width: 4, value: $0.1) }
        // The transmitter is empty, and says so from now on.
        exits.append(.mmioWrite(address: Self.uart + 1, width: 1, value: 2))
        return exits
    }

    @Test func anAPLICAloneDrivesTheHarts() throws {
        let root = Exit.mmioRead(address: 0x0C00_0000, width: 4)
        let engine = FakeEngine(usesUART(aplic: 0x0D00_0000, target: 1) + [root, .systemEvent(.shutdown(reason: 0))])
        _ = try machine(engine) { ($0.interrupts, $0.cpuCount) = (.aplic, 2) }.run()
        #expect(engine.made[0].externalInterrupts == [])
        #expect(engine.made[1].externalInterrupts == [true])
        #expect(engine.machines[0].messages == [])
        #expect(engine.setups[0].imsic == nil)
        #expect(engine.made[0].answers.contains(.data(0)), "without M-mode there is no machine-level domain")
    }

    @Test func anAPLICSendsMessagesToTheEngine() throws {
        let read = Exit.mmioRead(address: 0x0D00_0000, width: 4)
        let engine = FakeEngine(usesUART(aplic: 0x0D00_0000, target: 5 << 12 | 30) + [read, .systemEvent(.shutdown(reason: 0))])
        let extensions = CPUModel.hypervisor.extensions
        _ = try machine(engine) { ($0.interrupts, $0.cpuCount, $0.extensions) = (.aia, 2, extensions) }.run()
        #expect(engine.machines[0].messages == [.init(address: 0x2800_D000, data: 30)], "guest file 5 of hart 1, whose eight pages begin at 0x28008000")
        #expect(engine.made.allSatisfy { $0.externalInterrupts == [] })
        #expect(engine.made[0].answers.contains(.data(0x8000_0104)))
    }

    @Test func firmwareSetsTheAddressesOfMessages() throws {
        let registers: [(UInt64, UInt64)] = [(0x1BC0, 0x24000), (0x1BC4, 1 << 12), (0x1BC8, 0x28000), (0x1BCC, 0), (4 * 10, 0x400)]
        let setup = registers.map { Exit.mmioWrite(address: 0x0C00_0000 + $0.0, width: 4, value: $0.1) }
        let engine = FakeEngine(setup + usesUART(aplic: 0x0D00_0000, target: 30) + [.systemEvent(.shutdown(reason: 0))])
        _ = try machine(engine) { ($0.interrupts, $0.cpuCount, $0.firmware) = (.aia, 2, .none) }.run()
        #expect(engine.machines[0].messages == [.init(address: 0x2800_1000, data: 30)])
    }

    @Test func interruptFilesOfTheEngine() throws {
        func setup(_ model: CPUModel, firmware: Bool) throws -> IMSICSetup? {
            let engine = FakeEngine([.systemEvent(.shutdown(reason: 0))])
            _ = try machine(engine) {
                $0.interrupts = .aia
                $0.extensions = model.extensions
                if firmware { $0.firmware = .none }
            }.run()
            return engine.setups[0].imsic
        }
        #expect(try setup(.standard, firmware: false) == IMSICSetup(
            supervisorBase: 0x2800_0000, supervisorStride: 0x1000, machineBase: nil, guestFiles: 0, identities: 255))
        #expect(try setup(.hypervisor, firmware: false) == IMSICSetup(
            supervisorBase: 0x2800_0000, supervisorStride: 0x8000, machineBase: nil, guestFiles: 7, identities: 255))
        #expect(try setup(.hypervisor, firmware: true) == IMSICSetup(
            supervisorBase: 0x2800_0000, supervisorStride: 0x8000, machineBase: 0x2400_0000, guestFiles: 7, identities: 255))
    }

    @Test func sbiConsoleSharesTheOutput() throws {
        let engine = FakeEngine([
            Self.put("a"), Self.sbi(1, 0, 0x62), Self.sbi(0x4442_434E, 2, 0x63), Self.sbi(2), Self.sbi(0x0900_0000),
            .systemEvent(.shutdown(reason: 0)),
        ])
        _ = try machine(engine).run()
        #expect(output.text == "abc")
        let answers = engine.made[0].answers
        #expect(answers[4] == .sbi(error: -1, value: 0))
        #expect(answers[5] == .sbi(error: -2, value: 0))
    }

    @Test func bootHartStartsAtTheKernel() throws {
        let engine = FakeEngine([.systemEvent(.shutdown(reason: 0))])
        _ = try machine(engine) { $0.cpuCount = 3 }.run()
        let boot = engine.made[0]
        #expect(boot.registerValues[.pc] == 0x8020_0000)
        #expect(boot.registerValues[.a0] == 0)
        let tree = try #require(boot.registerValues[.a1])
        #expect(try engine.setups[0].memory.read(tree, as: UInt32.self).byteSwapped == 0xD00D_FEED)
        #expect(engine.made[1].registerValues == [.sbiExtension(.debugConsole): 1])
        #expect(engine.setups[0].cpuCount == 3)
    }

    @Test func resetBuildsAnotherMachine() throws {
        let engine = FakeEngine([Self.put("1"), .systemEvent(.reset(reason: 0))], [Self.put("2"), .systemEvent(.shutdown(reason: 0))])
        let outcome = try machine(engine) { $0.cpuCount = 2 }.run()
        #expect(outcome == .poweredOff)
        #expect(output.text == "12")
        #expect(engine.made.count == 4)
    }

    @Test func devicesTakeTheSlotsInOrder() throws {
        let look: [Exit] = [
            .mmioRead(address: 0x1000_1000, width: 4), .mmioRead(address: 0x1000_1008, width: 4),
            .mmioRead(address: 0x1000_2008, width: 4), .mmioRead(address: 0x1000_3008, width: 4),
            .mmioRead(address: 0x1000_4008, width: 4),
        ]
        // After a reset they are the same.
        let engine = FakeEngine(look + [.systemEvent(.reset(reason: 0))], look + [.systemEvent(.shutdown(reason: 0))])
        let settings: Settings = [
            .balloon: Setting("on", origin: "--balloon"), .rng: Setting("on", origin: "--rng"),
            .console: Setting("virtio", origin: "--console"),
        ]
        let wanted = try GuestConfiguration(settings)
        let outcome = try machine(engine) {
            ($0.consoles, $0.hasEntropy, $0.hasBalloon) = (wanted.consoles, wanted.hasEntropy, wanted.hasBalloon)
        }.run()
        #expect(outcome == .poweredOff)
        #expect(engine.made.count == 2)
        for cpu in engine.made {
            // "virt", then the console, entropy and balloon, and nothing behind them.
            #expect(cpu.answers.dropFirst().prefix(5) == [.data(0x7472_6976), .data(3), .data(4), .data(5), .data(0)])
        }
    }

    @Test func consolesAreOpenedAndClosedWithTheMachine() throws {
        let log = scratch.path + "/log", socket = scratch.path + "/socket"
        let settings: Settings = [
            .console: Setting("serial,file:\(log)", origin: "--console"), .console: Setting("unix:\(socket)", origin: "--console"),
            .console: Setting("pty", origin: "--console"),
        ]
        let consoles = try GuestConfiguration(settings).consoles
        let machine = try machine(FakeEngine([Self.put("h"), Self.put("i"), .systemEvent(.shutdown(reason: 0))])) { $0.consoles = consoles }
        #expect(FileManager.default.fileExists(atPath: socket))
        #expect(machine.notices.count == 1)
        #expect(machine.notices.first?.hasPrefix("--console ‘pty’ is at /dev/pts/") == true)
        #expect(machine.run() == .poweredOff)
        #expect(output.text == "")
        #expect(FileManager.default.contents(atPath: log) == Data("hi".utf8))
        #expect(!FileManager.default.fileExists(atPath: socket))
    }

    @Test func aConsoleThatCantBeOpenedIsNamed() throws {
        func refusal(_ text: String) throws -> MachineError? {
            let consoles = try GuestConfiguration([.console: Setting(text, origin: "--console")]).consoles
            return #expect(throws: MachineError.self) { try machine(FakeEngine([])) { $0.consoles = consoles } }
        }
        #expect(try refusal("file:/nowhere/log")?.message.hasPrefix("--console ‘file:/nowhere/log’: can't be written") == true)
        let file = scratch.file("file", [1])
        #expect(try refusal("unix:\(file)")?.message.contains("is taken") == true)
        #expect(FileManager.default.contents(atPath: file) == Data([1]))
        #expect(try refusal("unix:/" + String(repeating: "x", count: 200))?.message.contains("at most 107 bytes") == true)
    }

    @Test func hugePagesThatTheHostLacksAreNamed() throws {
        let error = #expect(throws: MachineError.self) {
            try machine(FakeEngine([])) { $0.hasHugePages = true; $0.memorySize = 1 << 42 }
        }
        #expect(error?.kind == .host)
        #expect(error?.message.hasPrefix("--hugepages: the host hasn't 2097152 free pages of 2 MiB for 4 TiB of guest memory: ") == true)
        #expect(error?.message.hasSuffix("reserve them in /proc/sys/vm/nr_hugepages") == true)
    }

    @Test func finisherResets() throws {
        let engine = FakeEngine([.mmioWrite(address: Self.finisher, width: 4, value: 0x7777)], [.systemEvent(.shutdown(reason: 1))])
        #expect(try machine(engine).run().status == 1)
    }

    @Test func noRebootEndsWithZero() throws {
        let outcome = try machine(FakeEngine([.systemEvent(.reset(reason: 0))])) { $0.reboots = false }.run()
        #expect(outcome == .resetRefused)
        #expect(outcome.status == 0)
    }

    @Test func timeoutEndsAnIdleGuest() throws {
        let outcome = try machine(FakeEngine([])) { $0.timeout = 50_000_000; $0.cpuCount = 4 }.run()
        #expect(outcome == .timedOut)
        #expect(outcome.status == 124)
    }

    @Test func timeoutEndsAGuestThatOnlyResets() throws {
        final class Resetting: Engine {
            let name = "resetting"
            func capability(_ one: Capability) -> Int { 0 }
            func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
                FakeMachine([FakeCPU(0, [.systemEvent(.reset(reason: 0))])])
            }
        }
        var configuration = GuestConfiguration()
        configuration.memorySize = 64 << 20
        configuration.timeout = 100_000_000
        configuration.useKernel(scratch.kernel())
        let machine = try Machine(
            configuration, payloads: PayloadPlan(configuration), engine: Resetting(),
            host: HostConnections(output: output, input: input))
        #expect(machine.run() == .timedOut)
    }

    @Test func stopsFromAnotherThread() throws {
        let machine = try machine(FakeEngine([])) { $0.cpuCount = 2 }
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.05)
            machine.stop(.stopped(status: 143))
        }
        #expect(machine.run().status == 143)
    }

    @Test func firstReasonCounts() throws {
        let machine = try machine(FakeEngine([]))
        machine.stop(.stopped(status: 129))
        machine.stop(.poweredOff)
        machine.reset()
        #expect(machine.run().status == 129)
    }

    @Test func engineThatGivesUpIsABug() throws {
        let outcome = try machine(FakeEngine([.internalError(reason: StaticText("it lost its way"))])).run()
        #expect(outcome.status == 70)
        #expect(outcome == .failed(MachineError(.bug, "hart 0 can't go on: it lost its way")))
    }

    @Test func resetWithoutItsKernelFails() throws {
        let machine = try machine(FakeEngine([.systemEvent(.reset(reason: 0))]))
        try FileManager.default.removeItem(atPath: scratch.path + "/Image")
        #expect(machine.run().status == 66)
    }

    @Test func exitsAreTraced() throws {
        let trace = Recorder()
        let kinds = try GuestConfiguration([.trace: Setting("exits", origin: "--trace")]).trace
        _ = try machine(FakeEngine([Self.put("x"), .systemEvent(.shutdown(reason: 0))]), trace: trace) { $0.trace = kinds }.run()
        #expect(trace.text.contains("hart 0: pc 0x80200000 exit mmio write 0x10000000 width 1 value 0x78\n"))
        #expect(trace.text.hasSuffix("exit shutdown reason 0\n"))
    }

    @Test func engineWithoutAnInspectorRefusesTheRest() throws {
        let kinds = try GuestConfiguration([.trace: Setting("traps", origin: "--trace")]).trace
        let error = #expect(throws: MachineError.self) {
            try machine(FakeEngine([]), trace: Recorder()) { $0.trace = kinds }
        }
        #expect(error?.kind == .usage)
    }

    @Test func memoryBeyondTheHostIsItsRefusal() throws {
        let error = #expect(throws: MachineError.self) { try machine(FakeEngine([])) { $0.memorySize = 1000 << 40 } }
        #expect(error?.kind == .host)
        #expect(error?.message.contains("--mem") == true)
    }

    @Test func memoryIsReservedAndNotTaken() throws {
        #expect(try machine(FakeEngine([.systemEvent(.shutdown(reason: 0))])) { $0.memorySize = 64 << 30 }.run() == .poweredOff)
    }
}
