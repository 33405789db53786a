import ExecutionEngine
import GuestMemory
import RISCV

/// Asks an engine's SBI who it is, as a guest would: no register tells it. A machine of one page is made for that and
/// thrown away, which costs KVM about as much as a guest's own machine.
package enum SBIProbe {
    /// The extensions that are asked for: the name in the specification, and its id.
    static let extensions: [(number: SBIExtensionNumber, name: StaticString, id: UInt64)] = [
        (.legacy, "legacy", 0), (.time, "TIME", 0x5449_4D45), (.ipi, "IPI", 0x73_5049), (.rfence, "RFENCE", 0x5246_4E43),
        (.srst, "SRST", 0x5352_5354), (.hsm, "HSM", 0x48_534D), (.pmu, "PMU", 0x50_4D55), (.debugConsole, "DBCN", 0x4442_434E),
        (.stealTime, "STA", 0x53_5441), (.systemSuspend, "SUSP", 0x5355_5350), (.firmwareFeatures, "FWFT", 0x4657_4654),
    ]

    /// What the guest runs. s0 points at the calls, which become their answers: a0 and a6, then a0 and a1; s1 behind
    /// the last. A store to where nothing is ends it.
    private static let program: [UInt32] = [
        0x0004_3503,  // 1: ld a0, 0(s0)
        0x0084_3803,  //    ld a6, 8(s0)
        0x0100_0893,  //    li a7, 0x10
        0x0000_0073,  //    ecall
        0x00A4_3023,  //    sd a0, 0(s0)
        0x00B4_3423,  //    sd a1, 8(s0)
        0x0104_0413,  //    addi s0, s0, 16
        0xFE94_12E3,  //    bne s0, s1, 1b
        0x0000_3023,  //    sd zero, 0(zero)
    ]
    private static let base = MemoryMap.ramBase
    private static let table = base + 0x100

    /// Base's functions that have an answer of their own; 3 probes.
    private static let functions: [UInt64] = [0, 1, 2, 4, 5, 6]
    private static let probe: UInt64 = 3

    /// What guests with the extensions of `configuration` hear from `engine`.
    static func ask(_ engine: any Engine, _ configuration: GuestConfiguration) throws(MachineError) -> SBIAnswers {
        let memory = GuestMemory()
        let calls = functions.map { (UInt64(0), $0) } + Self.extensions.map { ($0.id, probe) }
        do throws(GuestMemoryError) {
            try memory.addRAM(base: base, size: 4096)
            for (index, word) in program.enumerated() { try memory.write(word, at: base + UInt64(index) * 4) }
            for (index, call) in calls.enumerated() {
                try memory.write(call.0, at: table + UInt64(index) * 16)
                try memory.write(call.1, at: table + UInt64(index) * 16 + 8)
            }
        } catch { throw MachineError(.host, "the host refuses a page of memory for a question to its SBI") }
        try run(engine, configuration, memory, end: table + UInt64(calls.count) * 16)
        return answers(memory)
    }

    private static func run(
        _ engine: any Engine, _ configuration: GuestConfiguration, _ memory: GuestMemory, end: UInt64
    ) throws(MachineError) {
        do throws(EngineError) {
            let machine = try engine.makeMachine(
                MachineSetup(
                    memory: memory, cpuCount: 1, extensions: configuration.extensions,
                    timebase: engine.dictates.timebase ?? MemoryMap.timebase))
            guard let cpu = machine.cpus.first else { return }
            // As in a guest's own machine, whose calls there are ours to answer.
            _ = try? cpu.setRegister(.sbiExtension(.debugConsole), to: 1)
            try cpu.setRegister(.pc, to: base)
            try cpu.setRegister(.core(8), to: table)
            try cpu.setRegister(.core(9), to: end)
            var answer = ExitAnswer.none
            while true {
                switch cpu.run(answer) {
                case .mmioWrite(0, _, _): return
                case .interrupted: answer = .none
                // Nothing that we'd answer.
                case .sbi: answer = .sbi(error: -2, value: 0)
                default: throw .unsupported("the engine \(engine.name) doesn't say what its SBI offers")
                }
            }
        } catch { throw MachineError(error, configuration) }
    }

    private static func answers(_ memory: GuestMemory) -> SBIAnswers {
        /// The value of an answer; 0 after an error.
        func value(_ index: Int) -> UInt64 {
            let place = table + UInt64(index) * 16
            guard let error = try? memory.read(place, as: UInt64.self), error == 0 else { return 0 }
            return (try? memory.read(place + 8, as: UInt64.self)) ?? 0
        }
        var found: [SBIExtensionNumber] = []
        for (index, one) in extensions.enumerated() where value(functions.count + index) != 0 { found.append(one.number) }
        return SBIAnswers(
            specification: value(0), implementation: value(1), implementationVersion: value(2), mvendorid: value(3),
            marchid: value(4), mimpid: value(5), extensions: found)
    }
}
