import Interpreter
import RISCV
import Testing

@Suite("16-bit instructions")
struct CompressedTests {
    @Test("results, and the two bytes they advance", arguments: compressedCases.indices)
    func results(_ index: Int) throws {
        let one = compressedCases[index]
        let guest = try Guest()
        var failures = Failures()
        var random = Random(UInt64(index))
        for rd in one.destinations {
            for rs2 in one.sources {
                for imm in one.immediates {
                    var program = Program()
                    program.word(encode(one.encoding, operands(one, rd, rs2, imm)))
                    program.emit(.ebreak)
                    guest.load(program)
                    for _ in 0..<12 {
                        let x = (0..<32).map { $0 == 0 ? 0 : Bool.random(using: &random) ? random.next() : Edges.words.randomElement(using: &random)! }
                        for r in 1..<32 { guest.hart.setX(r, x[r]) }
                        let outcome = guest.run()
                        let name = "\(one.encoding) x\(rd) x\(rs2) \(imm)"
                        failures.check(outcome == .exception(.breakpoint, Guest.code + 2, Guest.code + 2), "\(name): \(outcome)")
                        for r in 1..<32 {
                            let want = r == Int(rd) ? one.result(x, r, Int(rs2), Int64(imm)) : x[r]
                            failures.check(guest.hart.x(r) == want, "\(name): x\(r) \(hex(guest.hart.x(r))), not \(hex(want))")
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// The long form's operands, from which the encoder picks what the short one has room for.
    private func operands(_ one: CompressedCase, _ rd: UInt8, _ rs2: UInt8, _ imm: Int32) -> Decoded {
        Decoded(one.encoding.instruction, rd: rd, rs1: rd, rs2: rs2, imm: imm)
    }

    @Test("HINTs and c.nop change nothing but pc")
    func hints() throws {
        let guest = try Guest()
        // c.nop, c.nop 1, c.li x0 1, c.lui x0 1, c.mv x0 x5, c.add x0 x5, c.slli x0 1, c.slli64-like shifts by 0
        for half: UInt16 in [0x0001, 0x0005, 0x4005, 0x6005, 0x8016, 0x9016, 0x0006, 0x0282, 0x8001, 0x8401, 0x0281] {
            var program = Program()
            program.half(half)
            program.emit(.ebreak)
            guest.load(program)
            for r in 1..<32 { guest.hart.setX(r, UInt64(r) << 40 | 0x80) }
            #expect(guest.run() == .exception(.breakpoint, Guest.code + 2, Guest.code + 2), "\(hex(UInt64(half)))")
            for r in 1..<32 { #expect(guest.hart.x(r) == UInt64(r) << 40 | 0x80, "\(hex(UInt64(half))) x\(r)") }
        }
    }

    @Test("reserved halfwords are illegal, with the halfword in mtval", arguments: [
        0x0000,  // defined to be illegal
        0x0004,  // c.addi4spn with immediate 0
        0x2001,  // c.addiw x0
        0x6101,  // c.addi16sp 0
        0x6081,  // c.lui x1, 0
        0x4002,  // c.lwsp x0
        0x6002,  // c.ldsp x0
        0x8002,  // c.jr x0
        0x9C41,  // 100 1 11 --- 10 --- 01 without Zcb's c.mul is reserved; see below
        0x8000 | 0x1C00,  // Zcb row 100 111
    ] as [UInt16])
    func reserved(_ half: UInt16) throws {
        var extensions = Extensions.withoutHypervisor
        extensions.remove(.zcb)
        let guest = try Guest(extensions: extensions)
        var program = Program()
        program.half(half)
        program.nop()
        guest.load(program)
        #expect(guest.run() == .exception(.illegalInstruction, UInt64(half), Guest.code))
    }

    @Test("without C, 16-bit instructions are illegal")
    func withoutC() throws {
        var extensions = Extensions.withoutHypervisor
        for one: Extension in [.c, .zcb] { extensions.remove(one) }
        let guest = try Guest(extensions: extensions)
        var program = Program()
        program.half(0x0505)  // c.addi x10, 1
        program.half(0x0505)
        guest.load(program)
        #expect(guest.run() == .exception(.illegalInstruction, 0x0505, Guest.code))
    }
}
