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
            // The table of calls; each becomes an error and a value.
            for (index, answer) in answers.enumerated() {
                let place = 0x8000_0100 + UInt64(index) * 16
                do throws(GuestMemoryError) {
                    try setup.memory.write(UInt64(0), at: place)
                    try setup.memory.write(answer, at: place + 8)
                } catch { throw .invalid("no table at \(place)") }
            }
            return FakeMachine([FakeCPU(0, [.interrupted, .mmioWrite(address: 0, width: 8, value: 0)])])
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
        // It costs a machine of its own, so only who insists pays.
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

    @Test("the interpreter is what the machine version says")
    func interpreter() throws {
        let engine = InterpreterEngine.make()
        let configuration = try configuration(strict: true)
        #expect(try HostDifference.find(configuration, engine) == [])
    }
}
