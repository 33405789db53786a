import ExecutionEngine
import GuestMemory
import RISCV

/// Asks an engine's SBI who it is, as a guest would: no register tells it.
package enum SBIProbe {
    /// The extensions that are asked for: the name in the specification, and its id.
    static let extensions: [(number: SBIExtensionNumber, name: String, id: UInt64)] = [
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
    /// Where the table of calls is, from the program's start on.
    private static let table = 0x100
    /// What the program changes, beside pc: s0, s1, a0, a1, a6, a7.
    private static let registers = [RegisterID.pc, .core(8), .core(9), .a0, .a1, .core(16), .core(17)]

    /// Base's functions that have an answer of their own; 3 probes.
    private static let functions: [UInt64] = [0, 1, 2, 4, 5, 6]
    private static let probe: UInt64 = 3

    /// Bytes of guest memory that asking takes.
    static let room = table + (functions.count + extensions.count) * 16

    /// What guests with the extensions of `configuration` hear from `engine`. A machine of one page is made for that and
    /// thrown away, which costs KVM about as much as a guest's own machine.
    static func ask(_ engine: any Engine, _ configuration: GuestConfiguration) throws(MachineError) -> SBIAnswers {
        let memory = GuestMemory()
        do throws(GuestMemoryError) {
            try memory.addRAM(base: MemoryMap.ramBase, size: 4096)
        } catch { throw MachineError(.host, "the host refuses a page of memory for a question to its SBI") }
        let machine: any VirtualMachine
        do throws(EngineError) {
            machine = try engine.makeMachine(
                MachineSetup(
                    memory: memory, cpuCount: 1, extensions: configuration.extensions,
                    timebase: engine.dictates.timebase ?? MemoryMap.timebase))
        } catch { throw MachineError(error, configuration) }
        guard let cpu = machine.cpus.first else { throw MachineError(.bug, "the engine \(engine.name) makes no hart; please report this") }
        // As in a guest's own machine, whose calls there are ours to answer.
        _ = try? cpu.setRegister(.sbiExtension(.debugConsole), to: 1)
        return try ask(cpu, memory, at: MemoryMap.ramBase)
    }

    /// What the guest of `cpu` will hear. Afterwards `room` bytes of RAM at `base`, and the hart's registers, are as they
    /// were. To be called before the guest runs, on the thread that will run it.
    static func ask(_ cpu: any VirtualCPU, _ memory: GuestMemory, at base: UInt64) throws(MachineError) -> SBIAnswers {
        guard let place = memory.writablePointer(base, count: UInt64(room)) else {
            throw MachineError(.bug, "there is no RAM at \(hex(base)) to ask the SBI from; please report this")
        }
        let sheet = UnsafeMutableRawBufferPointer(start: place, count: room)
        let content = [UInt8](sheet)
        sheet.copyBytes(from: questions)
        defer { sheet.copyBytes(from: content) }
        try run(cpu, at: base)
        return answers(UnsafeRawBufferPointer(sheet))
    }

    /// What a guest's memory holds while it is asked.
    private static var questions: [UInt8] {
        var bytes: [UInt8] = []
        func add(_ value: UInt64, size: Int) {
            for i in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))) }
        }
        for word in program { add(UInt64(word), size: 4) }
        bytes += Array(repeating: 0, count: table - bytes.count)
        for function in functions {
            add(0, size: 8)
            add(function, size: 8)
        }
        for one in extensions {
            add(one.id, size: 8)
            add(probe, size: 8)
        }
        return bytes
    }

    private static func run(_ cpu: any VirtualCPU, at base: UInt64) throws(MachineError) {
        do throws(EngineError) {
            var saved: [UInt64] = []
            for id in registers { saved.append(try cpu.register(id)) }
            try cpu.setRegister(.pc, to: base)
            try cpu.setRegister(.core(8), to: base + UInt64(table))
            try cpu.setRegister(.core(9), to: base + UInt64(room))
            var answer = ExitAnswer.none
            asking: while true {
                switch cpu.run(answer) {
                case .mmioWrite(0, _, _): break asking
                case .interrupted: answer = .none
                // Nothing that we'd answer.
                case .sbi: answer = .sbi(error: -2, value: 0)
                default: throw .unsupported("this host's SBI doesn't say what it offers; use --engine interpreter")
                }
            }
            // The store is over when the vCPU is told to go on.
            cpu.kick()
            guard cpu.run(.none) == .interrupted else { throw .unsupported("this host's SBI doesn't stop answering; use --engine interpreter") }
            for (id, value) in zip(registers, saved) { try cpu.setRegister(id, to: value) }
        } catch { throw MachineError(error) }
    }

    private static func answers(_ sheet: UnsafeRawBufferPointer) -> SBIAnswers {
        /// The value of an answer; 0 after an error.
        func value(_ index: Int) -> UInt64 {
            let place = table + index * 16
            return sheet.loadUnaligned(fromByteOffset: place, as: UInt64.self) == 0
                ? sheet.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self) : 0
        }
        var found: [SBIExtensionNumber] = []
        for (index, one) in extensions.enumerated() where value(functions.count + index) != 0 { found.append(one.number) }
        return SBIAnswers(
            specification: value(0), implementation: value(1), implementationVersion: value(2), mvendorid: value(3),
            marchid: value(4), mimpid: value(5), extensions: found)
    }
}
