import Interpreter
import RISCV
import Testing

/// Each register-to-register instruction: edge operands crossed, every way registers can coincide, x0 as a
/// destination and as a source, and nothing else changed.
@Suite("Integer instructions")
struct IntegerTests {
    @Test("operands at the edges", arguments: integerCases.keys.sorted { $0.rawValue < $1.rawValue })
    func edges(_ instruction: Instruction) throws {
        let guest = try Guest()
        var failures = Failures()
        switch integerCases[instruction]! {
        case .registers(let result):
            for (rd, rs1, rs2) in [(5, 6, 7), (6, 6, 7), (7, 6, 7), (5, 6, 6), (6, 6, 6), (31, 30, 29)] as [(UInt8, UInt8, UInt8)] {
                guest.load(Program(encode(instruction, rd: rd, rs1: rs1, rs2: rs2)))
                for a in Edges.words {
                    for b in rs1 == rs2 ? [a] : Edges.words {
                        step(guest, instruction, rd, [(rs1, a), (rs2, b)], result(a, b), &failures)
                    }
                }
            }
            for other in Edges.words {
                for (rd, rs1, rs2) in [(0, 6, 7), (5, 0, 7), (5, 6, 0), (5, 0, 0), (7, 0, 7), (6, 6, 0)] as [(UInt8, UInt8, UInt8)] {
                    if other == 0 { guest.load(Program(encode(instruction, rd: rd, rs1: rs1, rs2: rs2)), at: place(rd, rs1, rs2)) }
                    let want = rd == 0 ? 0 : result(rs1 == 0 ? 0 : other, rs2 == 0 ? 0 : other)
                    step(guest, instruction, rd, [(rs1, other), (rs2, other)], want, &failures, at: place(rd, rs1, rs2))
                }
            }
        case .immediate(let immediates, let result):
            for imm in immediates {
                for (rd, rs1) in [(5, 6), (6, 6), (0, 6), (5, 0)] as [(UInt8, UInt8)] {
                    guest.load(Program(encode(instruction, rd: rd, rs1: rs1, imm: imm)))
                    for a in Edges.words {
                        let want = rd == 0 ? 0 : result(rs1 == 0 ? 0 : a, Int64(imm))
                        step(guest, instruction, rd, [(rs1, a)], want, &failures, note: "imm \(imm)")
                    }
                }
            }
        case .unary(let result):
            for (rd, rs1) in [(5, 6), (6, 6), (0, 6), (5, 0)] as [(UInt8, UInt8)] {
                guest.load(Program(encode(instruction, rd: rd, rs1: rs1)))
                for a in Edges.words {
                    step(guest, instruction, rd, [(rs1, a)], rd == 0 ? 0 : result(rs1 == 0 ? 0 : a), &failures)
                }
            }
        case .upper(let result):
            for upper: Int64 in [0, 1, 2, 0x7_FFFF, 0x8_0000, 0xF_FFFF, 0x1_2345, 0xE_DCBA] {
                let imm = Int32(truncatingIfNeeded: upper << 12)
                for rd: UInt8 in [5, 31, 0] {
                    guest.load(Program(encode(instruction, rd: rd, imm: imm)))
                    let want = rd == 0 ? 0 : result(Int64(imm), Guest.code)
                    step(guest, instruction, rd, [], want, &failures, note: "imm \(hex(UInt64(upper)))")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// A place of its own for each choice of registers.
    private func place(_ rd: UInt8, _ rs1: UInt8, _ rs2: UInt8) -> UInt64 {
        Guest.code + UInt64(rd) << 6 + UInt64(rs1) << 9 + UInt64(rs2) << 12
    }

    private func step(
        _ guest: Guest, _ instruction: Instruction, _ rd: UInt8, _ sources: [(UInt8, UInt64)], _ want: UInt64,
        _ failures: inout Failures, note: String = "", at pc: UInt64 = Guest.code
    ) {
        for r in 1..<32 { guest.hart.setX(r, background(r)) }
        for (r, value) in sources { guest.hart.setX(Int(r), value) }
        let outcome = guest.run(from: pc)
        guard outcome == .exception(.breakpoint, pc + 4, pc + 4) else {
            failures.check(false, "\(instruction) ended with \(outcome)")
            return
        }
        let operands = sources.map { "x\($0.0)=\(hex($0.1))" }.joined(separator: " ")
        let got = guest.hart.x(Int(rd))
        failures.check(got == want, "\(instruction) x\(rd), \(operands) \(note): \(hex(got)), not \(hex(want))")
        for r in 1..<32 where r != Int(rd) {
            let before = sources.last { Int($0.0) == r }?.1 ?? background(r)
            failures.check(guest.hart.x(r) == before, "\(instruction) x\(rd), \(operands) changed x\(r)")
        }
    }

    private func background(_ r: Int) -> UInt64 { 0x5A5A_0000_0000_0000 | UInt64(r) }

    /// Long mixed sequences: what one instruction leaves is what the next one finds.
    @Test("random sequences")
    func sequences() throws {
        var random = Random(2)
        let guest = try Guest()
        let instructions = integerCases.keys.filter { $0 != .auipc }.sorted { $0.rawValue < $1.rawValue }
        var failures = Failures()
        for _ in 0..<150 {
            var x = (0..<32).map { $0 == 0 ? 0 : Bool.random(using: &random) ? random.next() : Edges.words.randomElement(using: &random)! }
            for r in 1..<32 { guest.hart.setX(r, x[r]) }
            var program = Program()
            for _ in 0..<200 {
                let instruction = instructions.randomElement(using: &random)!
                let rd = UInt8(random.below(32)), rs1 = UInt8(random.below(32)), rs2 = UInt8(random.below(32))
                var imm: Int32 = 0
                let value: UInt64
                switch integerCases[instruction]! {
                case .registers(let result): value = result(x[Int(rs1)], x[Int(rs2)])
                case .unary(let result): value = result(x[Int(rs1)])
                case .immediate(let immediates, let result):
                    imm = immediates.randomElement(using: &random)!
                    value = result(x[Int(rs1)], Int64(imm))
                case .upper(let result):
                    imm = Int32(truncatingIfNeeded: random.next()) & ~0xFFF
                    value = result(Int64(imm), 0)
                }
                if rd != 0 { x[Int(rd)] = value }
                program.emit(instruction, rd: rd, rs1: rs1, rs2: rs2, imm: imm)
            }
            program.emit(.ebreak)
            guest.load(program)
            failures.check(guest.run().isBreakpoint, "no end")
            for r in 1..<32 { failures.check(guest.hart.x(r) == x[r], "x\(r) \(hex(guest.hart.x(r))), not \(hex(x[r]))") }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }
}
