import ExecutionEngine
import GuestMemory
import Interpreter
import Machine
import Testing

/// What a host dictates: said difference by difference, and refused under `--strict`.
@Suite("What a host dictates") struct StrictTests {
    /// Dictates as it is told, and answers SBI's base extension as it is told: a guest that asks gets its answers
    /// written to where they belong.
    final class Dictator: Engine {
        let name = "fake"
        let dictates: HostDictates
        let answers: [UInt64]
        private(set) var asked = 0

        init(_ dictates: HostDictates, answers: [UInt64]) {
            self.dictates = dictates
            self.answers = answers
        }

        func capability(_ one: Capability) -> Int { 0 }

        func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
            asked += 1
            let cpu = FakeCPU(0, [.interrupted, .mmioWrite(address: 0, width: 8, value: 0)])
            let memory = setup.memory, answers = answers
            cpu.atRun = {
                // The table of calls; each becomes an error and a value.
                for (index, answer) in answers.enumerated() {
                    let place = 0x8000_0100 + UInt64(index) * 16
                    try? memory.write(UInt64(0), at: place)
                    try? memory.write(answer, at: place + 8)
                }
            }
            return FakeMachine([cpu])
        }
    }

    /// Versions and identities, then eleven probes.
    static let pinned: [UInt64] = [3 << 24, 3, 0x1_0000, 0, 0, 0] + Array(repeating: 1, count: 11)

    func configuration(strict: Bool, isa: String? = nil) throws -> GuestConfiguration {
        var settings: Settings = [.kernel: Setting("k", origin: "--kernel")]
        if strict { settings.add(Setting("true", origin: "--strict"), to: .strict) }
        if let isa { settings.add(Setting(isa, origin: "--isa"), to: .isa) }
        return try GuestConfiguration(settings)
    }

    @Test("a host that dictates nothing else is taken", arguments: [false, true])
    func alike(strict: Bool) throws {
        var dictates = HostDictates()
        dictates.timebase = 10_000_000
        (dictates.cbomBlockSize, dictates.cbozBlockSize, dictates.satpMode) = (64, 64, 10)
        let engine = Dictator(dictates, answers: Self.pinned)
        let configuration = try configuration(strict: strict)
        let found = try HostDifference.find(configuration, engine)
        #expect(found == [])
        try HostDifference.refuse(found, configuration, engine)
        // It costs a machine of its own, so only who insists pays: others' first hart is asked.
        #expect(engine.asked == (strict ? 1 : 0))
    }

    @Test("every property of the tree has its own notice")
    func notices() throws {
        var dictates = HostDictates()
        dictates.timebase = 1_000_000
        (dictates.cbomBlockSize, dictates.cbozBlockSize, dictates.satpMode) = (32, 128, 8)
        let engine = Dictator(dictates, answers: [])
        let configuration = try configuration(strict: false)
        let found = try HostDifference.find(configuration, engine)
        #expect(found.map { $0.notice(engine) } == [
            "this host's fake dictates timebase-frequency 1000000; machine rvkvm-1.0 has 10000000",
            "this host's fake dictates riscv,cbom-block-size 32; machine rvkvm-1.0 has 64",
            "this host's fake dictates riscv,cboz-block-size 128; machine rvkvm-1.0 has 64",
            "this host's fake dictates riscv,cbop-block-size 32; machine rvkvm-1.0 has 64",
            "this host's fake dictates mmu-type riscv,sv39; machine rvkvm-1.0 has riscv,sv57",
        ])
        // Notices only.
        try HostDifference.refuse(found, configuration, engine)
        // What the guest doesn't have, the tree doesn't tell.
        let without = try HostDifference.find(try self.configuration(strict: false, isa: "-zicbom,-zicboz,-zicbop"), engine)
        #expect(without.map(\.subject) == ["timebase-frequency", "mmu-type"])
    }

    @Test("--strict names all of it in one sentence, the SBI included")
    func refusal() throws {
        var dictates = HostDictates()
        dictates.timebase = 1_000_000
        var answers = Self.pinned
        (answers[0], answers[2], answers[3]) = (2 << 24, 0x60C6B, 0x489)
        // SUSP and FWFT are the last two that are asked for.
        (answers[15], answers[16]) = (0, 0)
        let engine = Dictator(dictates, answers: answers)
        let configuration = try configuration(strict: true)
        let found = try HostDifference.find(configuration, engine)
        let error = #expect(throws: MachineError.self) { try HostDifference.refuse(found, configuration, engine) }
        #expect(error?.kind == .usage)
        let all = "legacy+TIME+IPI+RFENCE+SRST+HSM+PMU+DBCN+STA"
        #expect(error?.message == "--strict: this host's fake dictates timebase-frequency 1000000 instead of 10000000, "
            + "SBI version 2.0 instead of 3.0, SBI implementation version 0x60c6b instead of 0x10000, mvendorid 0x489 instead of 0x0, "
            + "SBI extensions \(all) instead of \(all)+SUSP+FWFT, and machine rvkvm-1.0 pins them; "
            + "leave --strict out, or use --engine interpreter")
    }

    /// The interpreter with something else to dictate, and without SBI's SUSP.
    final class Host: Engine {
        let name = "fake"
        let dictates = {
            var dictates = HostDictates()
            dictates.timebase = 10_000_000
            return dictates
        }()
        private let inner = InterpreterEngine.make()

        func capability(_ one: Capability) -> Int { inner.capability(one) }

        func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
            let machine = try inner.makeMachine(setup)
            for cpu in machine.cpus { try cpu.setRegister(.sbiExtension(.systemSuspend), to: 0) }
            return machine
        }
    }

    /// Powers off when a1 points at a device tree and a0, a6, a7, s0 and s1 are 0, and fails with 1 otherwise.
    static let looking: [UInt32] = [
        0x0005_A283,  //    lw t0, 0(a1)
        0xEDFE_1337,  //    li t1, 0xedfe0dd0
        0xDD03_031B,
        0x0262_9263,  //    bne t0, t1, 1f
        0x0094_62B3,  //    or t0, s0, s1
        0x00A2_E2B3,  //    or t0, t0, a0
        0x0102_E2B3,  //    or t0, t0, a6
        0x0112_E2B3,  //    or t0, t0, a7
        0x0002_9863,  //    bnez t0, 1f
        0x0000_5337,  //    li t1, 0x5555
        0x5553_031B,
        0x00C0_006F,  //    j 2f
        0x0001_3337,  // 1: li t1, 0x13333
        0x3333_031B,
        0x0010_02B7,  // 2: lui t0, 0x100
        0x0062_A023,  //    sw t1, 0(t0)
        0x0000_006F,  //    j .
    ]

    @Test("at a guest's start the SBI's differences are said, once, and the guest finds nothing of the question")
    func start() throws {
        let scratch = Scratch()
        var settings: Settings = [.kernel: Setting(scratch.kernel(running: Self.looking), origin: "--kernel")]
        settings.add(Setting("64M", origin: "--mem"), to: .mem)
        let configuration = try GuestConfiguration(settings)
        let notices = Notices()
        let output = Recorder()
        let machine = try Machine(
            configuration, payloads: try PayloadPlan(configuration), engine: Host(),
            host: HostConnections(output: output, input: ConsoleInput(wake: -1)) { notices.add($0) })
        #expect(machine.run() == .poweredOff)
        let all = "legacy+TIME+IPI+RFENCE+SRST+HSM+PMU+DBCN+STA"
        #expect(notices.sentences == ["this host's fake dictates SBI extensions \(all)+FWFT; machine rvkvm-1.0 has \(all)+SUSP+FWFT"])
    }

    @Test("the interpreter is what the machine version says")
    func interpreter() throws {
        let engine = InterpreterEngine.make()
        let configuration = try configuration(strict: true)
        #expect(try HostDifference.find(configuration, engine) == [])
    }
}
