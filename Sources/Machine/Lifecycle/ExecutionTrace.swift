import Devices
import ExecutionEngine
import RISCV

/// `--trace traps,insns`: a line for each, as the harts meet them.
final class ExecutionTrace: TraceSink, @unchecked Sendable {
    private let sink: any ByteSink

    init(_ sink: any ByteSink) { self.sink = sink }

    func trap(_ record: TrapRecord) {
        write(
            "hart \(record.hart): pc \(hex(record.pc)) trap \(Self.name(of: record.cause)) value \(hex(record.value))"
                + " from \(Self.letter(record.from)) to \(Self.letter(record.to)) at \(hex(record.target))")
    }

    func instruction(hart: Int, pc: UInt64, word: UInt32, mode: UInt8) {
        write("hart \(hart): \(Self.letter(mode)) \(hex(pc)): \(disassemble(word, pc: pc))")
    }

    private func write(_ text: String) {
        let line = Array((text + "\n").utf8)
        line.withUnsafeBytes { sink.write($0) }
    }

    private static func name(of cause: UInt64) -> String {
        let number = cause & ~Interrupt.causeBit
        let known = cause == number ? Exception(rawValue: number)?.name : Interrupt(rawValue: number)?.name
        return known ?? "cause \(hex(cause))"
    }

    private static func letter(_ mode: UInt8) -> String {
        switch mode {
        case 0: "U"
        case 1: "S"
        case 3: "M"
        case 4: "VU"
        case 5: "VS"
        default: "?"
        }
    }
}
