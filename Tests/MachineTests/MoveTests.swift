import ExecutionEngine
import GuestMemory
import Machine
import Synchronization
import Testing

/// Output that has the machine move, or something else done, whenever the guest prints a certain letter: on the
/// vCPU's own thread, with the exit still to be answered.
private final class Trigger: ConsoleOutput {
    private struct State {
        var text: [UInt8] = []
        var action: @Sendable () -> Void = {}
    }
    private let state = Mutex(State())

    func onM(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.action = action } }

    func write(_ new: UnsafeRawBufferPointer) {
        let action = state.withLock { state in
            state.text.append(contentsOf: new)
            return state.action
        }
        if new.contains(UInt8(ascii: "m")) { action() }
    }
    func setPatient(_ patient: Bool) {}
    func offer(_ new: UnsafeRawBufferPointer) -> Int {
        write(new)
        return new.count
    }
    var isConnected: Bool { true }
    func attach(wake: Int32) {}
    var text: String { state.withLock { String(decoding: $0.text, as: UTF8.self) } }
}

/// A running guest goes on on another engine's machine.
@Suite struct MoveTests {
    private let output = Trigger()
    private let notices = Notices()
    private let scratch = Scratch()

    private func machine(
        _ engine: FakeEngine, _ other: FakeEngine, _ change: (inout GuestConfiguration) -> Void = { _ in }
    ) throws -> Machine {
        var configuration = GuestConfiguration()
        configuration.memorySize = 64 << 20
        // A script that doesn't end a machine must not hang the tests.
        configuration.timeout = 20_000_000_000
        configuration.useKernel(scratch.kernel())
        change(&configuration)
        let notices = notices
        let machine = try Machine(
            configuration, payloads: PayloadPlan(configuration), engine: engine, other: other,
            host: HostConnections(output: output, input: ConsoleInput(wake: -1)) { notices.add($0) })
        output.onM { [unowned machine] in machine.move() }
        return machine
    }

    private static let off = Exit.systemEvent(.shutdown(reason: 0))
    private static let move = RunTests.put("m")

    @Test func aGuestGoesOnWithItsRegisters() throws {
        let here = FakeEngine([Self.move], name: "here"), there = FakeEngine([RunTests.put("x"), Self.off], name: "there")
        let state: [(RegisterID, UInt64)] = [
            (.core(5), 0x1234_5678_9ABC_DEF0), (.mode, 1), (.csr(8), 0x9000_0000_0008_0200), (.fp(31), 0x4009_21FB_5444_2D18),
            (.fcsr, 0xE1), (.sstateen0, 0), (.stealTime(0), ~0), (.mvendorid, 0x489), (.sbiExtension(.time), 1),
        ]
        here.prepare = { _, cpus in
            for (id, value) in state { try? cpus[1].setRegister(id, to: value) }
            try? cpus[1].setPowerState(.stopped)
        }
        #expect(try machine(here, there) { $0.cpuCount = 2 }.run() == .poweredOff)
        #expect(output.text == "mx")
        #expect(notices.sentences == ["the guest runs on the engine there now"])
        #expect(there.setups[0].memory === here.setups[0].memory)
        #expect(there.made[0].registerValues[.pc] == 0x8020_0000)
        #expect(there.made[0].power == .runnable)
        for (id, value) in state { #expect(there.made[1].registerValues[id] == value) }
        #expect(there.made[1].registerOrder.filter { id in state.contains { $0.0 == id } } == state.map(\.0))
        #expect(there.made[1].power == .stopped)
    }

    @Test func whatTheHartsAreIsntWritten() throws {
        let here = FakeEngine([Self.move]), there = FakeEngine([Self.off])
        let others: [RegisterID] = [.isa, .satpMode, .zicbomBlockSize, .isaExtension(13), .single(3), .singleStatus]
        here.prepare = { _, cpus in
            for id in others { try? cpus[0].setRegister(id, to: 1) }
            try? cpus[0].setRegister(.fp(0), to: 2)
        }
        #expect(try machine(here, there).run() == .poweredOff)
        for id in others { #expect(there.made[0].registerValues[id] == nil) }
        #expect(there.made[0].registerValues[.fp(0)] == 2)
    }

    @Test func singlesTravelWithoutDoubles() throws {
        let here = FakeEngine([Self.move]), there = FakeEngine([Self.off])
        here.prepare = { _, cpus in try? cpus[0].setRegister(.single(3), to: 0x3F80_0000) }
        #expect(try machine(here, there).run() == .poweredOff)
        #expect(there.made[0].registerValues[.single(3)] == 0x3F80_0000)
    }

    @Test func timeGoesOn() throws {
        let here = FakeEngine([Self.move]), there = FakeEngine([Self.off])
        here.prepare = { _, cpus in
            for cpu in cpus { try? cpu.setRegister(.time, to: 5_000_000) }
            try? cpus[0].setRegister(.timerCompare, to: 6_000_000)
            try? cpus[1].setRegister(.timerCompare, to: ~0)
        }
        #expect(try machine(here, there) { $0.cpuCount = 2 }.run() == .poweredOff)
        let time = try #require(there.made[0].registerValues[.time])
        #expect(time >= 5_000_000)
        #expect(time < 5_000_000 + 100 * 10_000_000)
        #expect(there.made[0].registerOrder.first { $0.group != .sbiExtension } == .time, "before the timers")
        #expect(there.made[1].registerValues[.time] == nil, "one time for all harts")
        #expect(there.made[0].registerValues[.timerCompare] == 6_000_000)
        #expect(there.made[0].registerValues[.timerState] == 1)
        #expect(there.made[1].registerValues[.timerCompare] == ~0)
        #expect(there.made[1].registerValues[.timerState] == nil)
    }

    @Test func whatDevicesAndTimersRaiseIsRaisedAnew() throws {
        let here = FakeEngine([Self.move]), there = FakeEngine([Self.off])
        here.prepare = { _, cpus in try? cpus[0].setRegister(.csr(7), to: 0x2222) }
        #expect(try machine(here, there).run() == .poweredOff)
        #expect(there.made[0].registerValues[.csr(7)] == 0x2002)
    }

    @Test func anOpenCallIsAnsweredFirst() throws {
        // DBCN's console write byte: its answer is given to the machine that made the call.
        let here = FakeEngine([RunTests.sbi(0x4442_434E, 2, 0x6D)]), there = FakeEngine([Self.off])
        #expect(try machine(here, there).run() == .poweredOff)
        #expect(output.text == "m")
        #expect(here.made[0].answers == [.none, .sbi(error: 0, value: 0)])
        #expect(there.made[0].answers.first == ExitAnswer.none)
    }

    /// What a driver does to have the UART's interrupt, source 10, at hart 1's S-mode, and to be without it.
    private static let enable: [Exit] = [(0x0C00_0000 + 40, 1), (0x0C00_2180, 1 << 10)].map {
        .mmioWrite(address: $0.0, width: 4, value: $0.1)
    } + [.mmioWrite(address: RunTests.uart + 1, width: 1, value: 2)]
    private static let disable = Exit.mmioWrite(address: 0x0C00_2180, width: 4, value: 0)

    @Test func wiresLeadToTheNewHarts() throws {
        let here = FakeEngine(Self.enable + [Self.move]), there = FakeEngine([Self.disable, Self.off])
        #expect(try machine(here, there) { $0.cpuCount = 2 }.run() == .poweredOff)
        #expect(here.made.map(\.externalInterrupts) == [[], [true]])
        #expect(there.made.map(\.externalInterrupts) == [[], [true, false]], "the level comes along, and changes there")
    }

    @Test func messagesAndInterruptFilesMove() throws {
        let registers: [(UInt64, UInt64)] = [(4 * 10, 6), (0x3000 + 4 * 10, 30), (0x1EDC, 10), (0, 0x100)]
        let setup = registers.map { Exit.mmioWrite(address: 0x0D00_0000 + $0.0, width: 4, value: $0.1) }
        let here = FakeEngine(setup + [Self.move])
        let there = FakeEngine([.mmioWrite(address: RunTests.uart + 1, width: 1, value: 2), Self.off])
        here.prepare = { machine, _ in machine.files?[1] = [0x70: 1, 0x72: 5, 0x80: 0x10, 0x86: 0x20, 0xC6: 0x40] }
        #expect(try machine(here, there) { ($0.interrupts, $0.cpuCount) = (.aia, 2) }.run() == .poweredOff)
        #expect(here.machines[0].messages == [])
        #expect(there.machines[0].messages == [.init(address: 0x2800_0000, data: 30)])
        let file = try #require(there.machines[0].files?[1])
        #expect(file.filter { $0.value != 0 } == [0x70: 1, 0x72: 5, 0x80: 0x10, 0x86: 0x20, 0xC6: 0x40])
        #expect(file.count == 10, "255 identities fill four registers of a kind")
        #expect(there.made.allSatisfy { $0.externalInterrupts == [] })
    }

    @Test func doorbellsRingOnBoth() throws {
        let here = FakeEngine([Self.move]), there = FakeEngine([Self.off])
        for engine in [here, there] { engine.prepare = { machine, _ in machine.hasDoorbells = true } }
        #expect(try machine(here, there) { $0.hasEntropy = true }.run() == .poweredOff)
        #expect(here.machines[0].doorbells == [0x1000_1050])
        #expect(there.machines[0].doorbells == [0x1000_1050])
    }

    @Test func backAndForthAndOverAReset() throws {
        let here = FakeEngine([Self.move], [Self.move], name: "here")
        let there = FakeEngine([Self.move], [.systemEvent(.reset(reason: 0))], [RunTests.put("x"), Self.off], name: "there")
        #expect(try machine(here, there).run() == .poweredOff)
        #expect(output.text == "mmmx")
        #expect(notices.sentences.map { $0.split(separator: " ")[6] } == ["there", "here", "there"])
        #expect(here.machines.count == 2)
        #expect(there.machines.count == 3, "a reset starts the guest where it was")
    }

    @Test func aRefusedMoveLeavesTheGuestWhereItIs() throws {
        let here = FakeEngine([Self.move, RunTests.put("x"), Self.off], name: "here"), there = FakeEngine(name: "there")
        there.refusal = .unsupported("no zbb today")
        #expect(try machine(here, there).run() == .poweredOff)
        #expect(output.text == "mx")
        #expect(notices.sentences == ["the guest stays on the engine here: no zbb today"])
        #expect(here.machines.count == 1)
    }

    @Test func registersThatAreRefusedAreNamed() throws {
        let here = FakeEngine(Self.enable + [Self.move, Self.move, RunTests.put("x"), Self.disable, Self.off], name: "here")
        here.prepare = { _, cpus in
            try? cpus[1].setRegister(.csr(8), to: 0xA000_0000_0008_0200)
            try? cpus[1].setRegister(.csr(10), to: 0)
        }
        let there = FakeEngine(name: "there")
        there.prepare = { _, cpus in
            // A register that is absent and 0 is no loss.
            cpus[1].absent = [.csr(10)]
            cpus[1].hardwired = [.csr(8): 0x2000_0000_0000_0000]
        }
        #expect(try machine(here, there) { $0.cpuCount = 2 }.run() == .poweredOff)
        #expect(output.text == "mmx")
        let sentence = "the guest stays on the engine here: hart 1's satp is 0xa000000000080200 and becomes 0x8000000000080200 there"
        #expect(notices.sentences == [sentence, sentence])
        #expect(here.made[1].externalInterrupts == [true, false], "the wires still lead to the old harts")
    }

    @Test func aRegisterThatIsMissingIsNamed() throws {
        let here = FakeEngine([Self.move, Self.off], name: "here"), there = FakeEngine()
        here.prepare = { _, cpus in try? cpus[0].setRegister(.core(7), to: 1) }
        there.prepare = { _, cpus in cpus[0].absent = [.core(7)] }
        #expect(try machine(here, there).run() == .poweredOff)
        #expect(notices.sentences == ["the guest stays on the engine here: hart 0: register x7: no such register"])
    }

    @Test func aHartThatIsBeingStartedRunsFirst() throws {
        let here = FakeEngine([Self.move], name: "here"), there = FakeEngine([Self.off], name: "there")
        // It comes to rest stopped, and another hart that still runs starts it.
        here.prepare = { _, cpus in cpus[1].powerAnswers = [.stopped, .runnable] }
        #expect(try machine(here, there) { $0.cpuCount = 2 }.run() == .poweredOff)
        #expect(notices.sentences == ["the guest runs on the engine there now"])
        #expect(here.made[1].powerAnswers == [])
        #expect(here.made[1].answers.count >= 2, "hart 1 ran again before it moved")
        #expect(there.made[1].power == .runnable)
    }

    @Test func anEndOutranksAMove() throws {
        let here = FakeEngine([Self.move]), there = FakeEngine([Self.off])
        let machine = try machine(here, there)
        output.onM { [unowned machine] in
            machine.move()
            machine.stop(.stopped(status: 143))
            machine.move()
        }
        #expect(machine.run().status == 143)
    }

    @Test func timeEndsAGuestThatOnlyMoves() throws {
        final class Moving: Engine {
            let name = "moving"
            func capability(_ one: Capability) -> Int { 0 }
            func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
                FakeMachine([FakeCPU(0, [MoveTests.move])])
            }
        }
        var configuration = GuestConfiguration()
        configuration.memorySize = 64 << 20
        configuration.timeout = 100_000_000
        configuration.useKernel(scratch.kernel())
        let engine = Moving()
        let machine = try Machine(
            configuration, payloads: PayloadPlan(configuration), engine: engine, other: engine,
            host: HostConnections(output: output, input: ConsoleInput(wake: -1)))
        output.onM { [unowned machine] in machine.move() }
        #expect(machine.run() == .timedOut)
    }

    // MARK: Before the start

    private func configured(_ settings: Settings) throws -> GuestConfiguration { try GuestConfiguration(settings) }

    @Test(arguments: [
        ("auto", [:], "the engines to move to are"), ("kvn", [:], "did you mean kvm"),
        ("kvm", [SettingKey.firmware: "none"], "leave --firmware away"), ("kvm", [.cpu: "rv64gch"], "choose --cpu rv64gc"),
    ] as [(String, [SettingKey: String], String)])
    func guestsThatCantMoveAreRefused(_ engine: String, _ others: [SettingKey: String], _ reason: String) throws {
        var settings: Settings = [.moveTo: Setting(engine, origin: "--x-move-to")]
        for (key, text) in others { settings.add(Setting(text, origin: "--\(key.name)"), to: key) }
        let error = #expect(throws: MachineError.self) { try configured(settings) }
        #expect(error?.kind == .usage)
        #expect(error?.message.contains(reason) == true)
    }

    @Test func theDictatesOfBothHold() throws {
        let plain = FakeEngine(name: "plain"), strict = FakeEngine(name: "strict")
        strict.dictates.timebase = 24_000_000
        strict.dictates.cbomBlockSize = 64
        strict.dictates.satpMode = 10
        for (first, second) in [(plain, strict), (strict, plain)] {
            var configuration = GuestConfiguration()
            try configuration.suit(first, second)
            #expect(configuration.dictates.timebase == 24_000_000)
            #expect(configuration.dictates.cbomBlockSize == 64)
            #expect(configuration.dictates.cbozBlockSize == nil)
            #expect(configuration.dictates.satpMode == 10)
        }
    }

    @Test(arguments: [
        (\HostDictates.satpMode, 9, "the largest satp mode is 10 on the engine plain and 9 on the engine strict"),
        (\.cbomBlockSize, 32, "Zicbom's block size is 64 on the engine plain and 32 on the engine strict"),
        (\.cbozBlockSize, 128, "Zicboz's block size is 64 on the engine plain and 128 on the engine strict"),
    ] as [(WritableKeyPath<HostDictates, UInt64?> & Sendable, UInt64, String)])
    func contradictionsAreRefused(_ what: WritableKeyPath<HostDictates, UInt64?> & Sendable, _ value: UInt64, _ sentence: String) throws {
        let plain = FakeEngine(name: "plain"), strict = FakeEngine(name: "strict")
        strict.dictates[keyPath: what] = value
        var configuration = GuestConfiguration()
        let error = #expect(throws: MachineError.self) { try configuration.suit(plain, strict) }
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
        // The one engine doesn't contradict itself.
        try configuration.suit(strict, strict)
        #expect(configuration.dictates[keyPath: what] == value)
    }

    @Test func callsThatOneEngineLacksAreWithheld() throws {
        func engine(_ name: String, _ calls: [SBIExtensionNumber]) -> FakeEngine {
            let engine = FakeEngine([Self.off], [Self.off], name: name)
            engine.prepare = { _, cpus in
                for cpu in cpus {
                    for one in SBIExtensionNumber.allCases { try? cpu.setRegister(.sbiExtension(one), to: calls.contains(one) ? 1 : 0) }
                    cpu.absent = [.sbiExtension(.legacy)]
                }
            }
            return engine
        }
        let first = engine("first", [.time, .ipi, .systemSuspend]), second = engine("second", [.time, .stealTime])
        var configuration = GuestConfiguration()
        try configuration.suit(first, second)
        #expect(Set(configuration.withheldCalls) == [.ipi, .systemSuspend, .stealTime])
        let withheld = configuration.withheldCalls
        let here = engine("here", [.time, .ipi, .systemSuspend, .stealTime])
        #expect(try machine(here, second) { $0.withheldCalls = withheld }.run() == .poweredOff)
        let left = SBIExtensionNumber.allCases.filter { here.made[0].registerValues[.sbiExtension($0)] == 1 }
        #expect(left == [.time, .debugConsole], "the board asks for the console where it is known")
    }

    @Test func anEngineThatCantHaveTheGuestIsFoundOut() throws {
        let plain = FakeEngine(name: "plain"), poor = FakeEngine(name: "poor")
        poor.refusal = .unsupported("no zbb here")
        var configuration = GuestConfiguration()
        let error = #expect(throws: MachineError.self) { try configuration.suit(plain, poor) }
        #expect(error == MachineError(.usage, "--x-move-to: the engine poor can't have this guest: no zbb here"))
    }
}
