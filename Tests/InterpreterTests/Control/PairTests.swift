import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Instructions that belong together, as compilers write them: an interpreter may carry out two at once, and
/// must not be found out.
@Suite("Pairs of instructions")
struct PairTests {
    static let uppers: [Int32] = [0, 1 << 12, -1 << 12, 0x7FFF_F000, Int32.min, Int32.min + 0x1000, 0x1234_5000]
    static let lowers: [Int32] = [0, 4, -4, 2044, -2048, 1, -1, 2047]

    @Test("auipc and jalr", arguments: [(6, 1), (6, 6), (1, 0), (6, 0), (31, 5)] as [(UInt8, UInt8)])
    func call(_ base: UInt8, _ link: UInt8) throws {
        let guest = try Guest()
        for upper in Self.uppers {
            for lower in Self.lowers {
                var program = Program()
                program.emit(.auipc, rd: base, imm: upper)
                program.emit(.jalr, rd: link, rs1: base, imm: lower)
                guest.load(program)
                guest.load(.end, at: Guest.code + 0x1000)
                let sum = wrap(Int128(Guest.code) + Int128(upper))
                let target = wrap(Int128(sum) + Int128(lower)) & ~1
                let isInRAM = target >= Guest.base && target < Guest.base + Guest.ramSize
                // Into itself, and round and round.
                if isInRAM, target != Guest.code + 0x1000 { continue }
                // Both at once, and the second alone.
                for start in [Guest.code, Guest.code + 4] {
                    guest.hart.setX(Int(base), sum)
                    let outcome = guest.run(from: start)
                    let cause: Exception = isInRAM ? .breakpoint : .instructionAccessFault
                    #expect(outcome == .exception(cause, target, target), "\(hex(UInt64(UInt32(bitPattern: upper)))) \(lower)")
                    #expect(guest.hart.x(Int(link)) == (link == 0 ? 0 : Guest.code + 8))
                    if base != link { #expect(guest.hart.x(Int(base)) == sum) }
                }
            }
        }
    }

    @Test("auipc or lui, and what adds to it", arguments: [Instruction.auipc, .lui], [Instruction.addi, .addiw, .ld, .sd, .lw, .fld])
    func addresses(_ first: Instruction, _ second: Instruction) throws {
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        var failures = Failures()
        for upper in Self.uppers + [Int32(Guest.data - Guest.code), Int32(bitPattern: UInt32(Guest.data))] {
            for lower in Self.lowers {
                for (base, rd) in [(6, 6), (6, 5), (6, 0)] as [(UInt8, UInt8)] {
                    var program = Program()
                    program.emit(first, rd: base, imm: upper)
                    program.emit(second, rd: rd, rs1: base, rs2: rd, imm: lower)
                    program.emit(.ebreak)
                    guest.load(program)
                    guest[Guest.data &+ UInt64(bitPattern: Int64(lower))] = 0x8877_6655_4433_2211
                    let sum = wrap((first == .auipc ? Int128(Guest.code) : 0) + Int128(upper))
                    let address = wrap(Int128(sum) + Int128(lower))
                    let inRAM = address >= Guest.data - 0x1000 && address < Guest.data + 0x1000
                    for start in [Guest.code, Guest.code + 4] {
                        guest.hart.setX(5, 0x55)
                        guest.hart.setX(6, sum)
                        let outcome = guest.run(from: start)
                        let name = "\(first) \(upper), \(second) x\(rd) \(lower)"
                        switch second {
                        case .addi, .addiw:
                            failures.check(outcome == .exception(.breakpoint, Guest.code + 8, Guest.code + 8), "\(name): \(outcome)")
                            let want = second == .addi ? address : wrap32(signed32(address))
                            failures.check(rd == 0 || guest.hart.x(Int(rd)) == want, "\(name): \(hex(guest.hart.x(Int(rd))))")
                            failures.check(rd == 6 || guest.hart.x(6) == sum, "\(name): base")
                        case .ld, .lw, .fld:
                            guard inRAM else { break }
                            failures.check(outcome.isBreakpoint, "\(name): \(outcome)")
                            let word = guest[address]
                            let want = second == .lw ? wrap32(signed32(word)) : word
                            failures.check(rd == 0 || (second == .fld ? guest.hart.f(Int(rd)) : guest.hart.x(Int(rd))) == want, "\(name)")
                        default:
                            guard inRAM else { break }
                            failures.check(outcome.isBreakpoint && guest[address] == (rd == 0 ? 0 : rd == 6 ? sum : 0x55), "\(name): \(outcome)")
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// Any two instructions in a row, with the destination of the first as a source of the second in each way,
    /// entered at the first and at the second, and with the second at the end of a page.
    @Test("any two integer instructions")
    func anyTwo() throws {
        let guest = try Guest()
        let all = integerCases.keys.filter { $0 != .auipc }.sorted { $0.rawValue < $1.rawValue }
        var random = Random(9)
        var failures = Failures()
        func value(_ i: Instruction, _ x: [UInt64], _ rs1: Int, _ rs2: Int, _ imm: Int32) -> UInt64 {
            switch integerCases[i]! {
            case .registers(let result): result(x[rs1], x[rs2])
            case .unary(let result): result(x[rs1])
            case .immediate(_, let result): result(x[rs1], Int64(imm))
            case .upper(let result): result(Int64(imm), 0)
            }
        }
        func immediate(_ i: Instruction) -> Int32 {
            switch integerCases[i]! {
            case .immediate(let allowed, _): allowed.randomElement(using: &random)!
            case .upper: Int32(truncatingIfNeeded: random.next()) & ~0xFFF
            default: 0
            }
        }
        for a in all {
            for b in all {
                let (rs1, rs2) = [(6, 7), (5, 7), (6, 5), (5, 5)].randomElement(using: &random)!
                let rd = [5, 6, 8, 0].randomElement(using: &random)!
                let (ia, ib) = (immediate(a), immediate(b))
                var program = Program()
                program.emit(a, rd: 5, rs1: 6, rs2: 7, imm: ia)
                program.emit(b, rd: UInt8(rd), rs1: UInt8(rs1), rs2: UInt8(rs2), imm: ib)
                program.emit(.ebreak)
                let at = Guest.data - [0, 4, 8].randomElement(using: &random)!
                guest.load(program, at: at)
                for start in 0..<2 as Range<UInt64> {
                    var x = [UInt64](repeating: 0, count: 32)
                    for r in 5...8 {
                        x[r] = Edges.words.randomElement(using: &random)!
                        guest.hart.setX(r, x[r])
                    }
                    if start == 0 { x[5] = value(a, x, 6, 7, ia) }
                    let result = value(b, x, rs1, rs2, ib)
                    if rd != 0 { x[rd] = result }
                    failures.check(guest.run(from: at + start * 4) == .exception(.breakpoint, at + 8, at + 8), "\(a) \(b)")
                    for r in 5...8 { failures.check(guest.hart.x(r) == x[r], "\(a) then \(b) x\(rd) x\(rs1) x\(rs2): x\(r) \(hex(guest.hart.x(r))), not \(hex(x[r]))") }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// A pair one of which traps or leaves for user space: the other has happened, or not, as its place says.
    @Test("a load or store that traps beside any other instruction", arguments: [Instruction.ld, .lw, .lbu, .sd, .sw])
    func traps(_ memory: Instruction) throws {
        let guest = try Guest()
        var failures = Failures()
        let others: [Instruction] = [.addi, .add, .ld, .sd, .slli, .andi, .lui, .sub, .lw, .sw, .xor, .addiw, .srli]
        let isStore = memory == .sd || memory == .sw
        for other in others {
            for memoryFirst in [false, true] {
                for base: UInt8 in [6, 5] {
                    // `other` writes x5 or, as a load or store, works on Guest.data through x8; `memory` uses `base`.
                    var program = Program()
                    let mine = encode(memory, rd: 9, rs1: base, rs2: 7)
                    let its = encode(other, rd: 5, rs1: 8, rs2: 7, imm: other == .lui ? 0x5000 : 8)
                    program.word(memoryFirst ? mine : its)
                    program.word(memoryFirst ? its : mine)
                    program.emit(.ebreak)
                    guest.load(program)
                    let bad: UInt64 = 1 << 60
                    guest[Guest.data + 8] = bad
                    // First, since it completes a load that the last program left open.
                    guest.hart.pc = Guest.code
                    for r in 1..<32 { guest.hart.setX(r, UInt64(r)) }
                    guest.hart.setX(6, bad)
                    guest.hart.setX(5, bad)
                    guest.hart.setX(7, 0)
                    guest.hart.setX(8, other == .ld || other == .sd || other == .lw || other == .sw ? Guest.data : bad)
                    let writesBase = base == 5 && !memoryFirst && other != .sd && other != .sw
                    let pc = Guest.code + (memoryFirst ? 0 : 4)
                    let outcome = guest.run()
                    if writesBase, other != .ld, other != .add, other != .sub, other != .xor { continue }
                    let address: UInt64 = writesBase && other == .addi ? bad + 8 : bad
                    let want = Outcome.exception(isStore ? .storeAccessFault : .loadAccessFault, address, pc)
                    failures.check(outcome == want, "\(memory) first \(memoryFirst) with \(other), base x\(base): \(outcome)")
                    failures.check(guest.hart.x(9) == 9, "\(memory) first \(memoryFirst) with \(other), base x\(base): x9 \(hex(guest.hart.x(9))), \(outcome)")
                    if memoryFirst { failures.check(guest.hart.x(5) == bad, "\(other) ran behind a trap") }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }
}
