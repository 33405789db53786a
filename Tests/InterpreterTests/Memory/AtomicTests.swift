import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Atomics")
struct AtomicTests {
    static let place = Guest.data + 0x40

    @Test("AMOs with edge operands", arguments: atomicCases.indices, [true, false])
    func amo(_ index: Int, isWord: Bool) throws {
        let one = atomicCases[index]
        let instruction = isWord ? one.word : one.double
        let guest = try Guest()
        var failures = Failures()
        for (rd, rs2, aqrl) in [(5, 7, 0), (7, 7, 1), (6, 7, 2), (0, 7, 3), (5, 0, 0)] as [(UInt8, UInt8, UInt8)] {
            guest.load(Program(encode(instruction, rd: rd, rs1: 6, rs2: rs2, aqrl: aqrl)))
            for old in Edges.words {
                for operand in Edges.words {
                    guest[Self.place - 8] = 0x1111_2222_3333_4444
                    guest[Self.place] = old
                    guest[Self.place + 8] = 0x5555_6666_7777_8888
                    guest.hart.setX(5, 1)
                    guest.hart.setX(6, Self.place)
                    guest.hart.setX(7, operand)
                    failures.check(guest.run().isBreakpoint, "no end")
                    let b = rs2 == 0 ? 0 : operand
                    let name = "\(instruction) of \(hex(old)) and \(hex(b))"
                    let memory: UInt64
                    let register: UInt64
                    if isWord {
                        let result = one.result(old % (1 << 32), b % (1 << 32)) { signed32($0) }
                        memory = old / (1 << 32) * (1 << 32) + result % (1 << 32)
                        register = wrap(signed32(old))
                    } else {
                        memory = one.result(old, b) { signed($0) }
                        register = old
                    }
                    failures.check(guest[Self.place] == memory, "\(name): memory \(hex(guest[Self.place])), not \(hex(memory))")
                    if rd != 0 { failures.check(guest.hart.x(Int(rd)) == register, "\(name): \(hex(guest.hart.x(Int(rd))))") }
                    failures.check(guest[Self.place - 8] == 0x1111_2222_3333_4444 && guest[Self.place + 8] == 0x5555_6666_7777_8888, "\(name): neighbours")
                }
            }
        }
        // The upper word of a doubleword.
        if isWord {
            guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
            guest[Self.place] = 0x8000_0001_7FFF_FFFF
            guest.hart.setX(6, Self.place + 4)
            guest.hart.setX(7, 5)
            failures.check(guest.run().isBreakpoint, "no end")
            let want = one.result(0x8000_0001, 5) { signed32($0) } % (1 << 32)
            failures.check(guest[Self.place] == want << 32 + 0x7FFF_FFFF, "\(instruction) in the upper word")
            failures.check(guest.hart.x(5) == 0xFFFF_FFFF_8000_0001, "\(instruction) from the upper word")
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    private func pair(_ isWord: Bool) -> (Instruction, Instruction) { isWord ? (.lr_w, .sc_w) : (.lr_d, .sc_d) }

    @Test("SC succeeds after LR of the same place", arguments: [true, false])
    func success(isWord: Bool) throws {
        let (lr, sc) = pair(isWord)
        let guest = try Guest()
        for value in Edges.words {
            guest[Self.place] = value
            guest.load(Program(encode(lr, rd: 5, rs1: 6, aqrl: 3), encode(sc, rd: 8, rs1: 6, rs2: 7, aqrl: 3)))
            guest.hart.setX(6, Self.place)
            guest.hart.setX(7, 0x1234_5678_9ABC_DEF0)
            guest.hart.setX(8, 99)
            #expect(guest.run().isBreakpoint)
            #expect(guest.hart.x(5) == (isWord ? wrap(signed32(value)) : value))
            #expect(guest.hart.x(8) == 0)
            #expect(guest[Self.place] == (isWord ? value / (1 << 32) * (1 << 32) + 0x9ABC_DEF0 : 0x1234_5678_9ABC_DEF0))
        }
    }

    /// What must make SC fail: it leaves memory alone and a nonzero code.
    @Test("SC fails", arguments: [true, false], ["no LR", "another place", "after another SC", "after a store by another"])
    func failure(isWord: Bool, why: String) throws {
        let (lr, sc) = pair(isWord)
        let guest = try Guest()
        guest[Self.place] = 77
        guest[Self.place + 8] = 78
        var program = Program()
        switch why {
        case "no LR": break
        case "another place":
            program.emit(lr, rd: 5, rs1: 9)
        case "after another SC":
            program.emit(lr, rd: 5, rs1: 6)
            program.emit(sc, rd: 10, rs1: 9, rs2: 7)
        default:
            program.emit(lr, rd: 5, rs1: 6)
            program.emit(.lw, rd: 11, rs1: 12)
        }
        program.emit(sc, rd: 8, rs1: 6, rs2: 7)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(6, Self.place)
        guest.hart.setX(7, 1)
        guest.hart.setX(8, 0)
        guest.hart.setX(9, Self.place + 8)
        guest.hart.setX(12, 0x1000_0000)
        var outcome = guest.run()
        var want: UInt64 = 77
        if why == "after a store by another" {
            #expect(outcome == .exit(.mmioRead(address: 0x1000_0000, width: 4)))
            guest[Self.place] = 79
            want = 79
            outcome = guest.resume(.data(0))
        }
        #expect(outcome.isBreakpoint)
        #expect(guest.hart.x(8) != 0)
        #expect(guest[Self.place] == want)
        #expect(guest[Self.place + 8] == 78)
    }

    @Test("misaligned atomics trap, and change nothing", arguments: atomicInstructions.sorted { $0.rawValue < $1.rawValue })
    func misaligned(_ instruction: Instruction) throws {
        let guest = try Guest()
        guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
        guest.hart.setX(7, ~0)
        let size: UInt64 = "\(instruction)".hasSuffix("_w") ? 4 : 8
        let isLoad = "\(instruction)".hasPrefix("lr")
        for offset in 1..<size {
            for base in [Self.place, Guest.data + 4096 - size] {
                guest.hart.setX(5, 0x55)
                guest.hart.setX(6, base + offset)
                let want = Outcome.exception(isLoad ? .loadAddressMisaligned : .storeAddressMisaligned, base + offset, Guest.code)
                #expect(guest.run() == want)
                #expect(guest.hart.x(5) == 0x55)
            }
        }
        #expect(guest.bytes(Guest.data, 4096) == [UInt8](repeating: 0, count: 4096))
    }

    @Test("atomics outside RAM are access faults", arguments: atomicInstructions.sorted { $0.rawValue < $1.rawValue })
    func outsideRAM(_ instruction: Instruction) throws {
        let guest = try Guest()
        guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
        for address: UInt64 in [0x1000_0000, Guest.base + Guest.ramSize, 1 << 58] {
            guest.hart.setX(6, address)
            let isLoad = "\(instruction)".hasPrefix("lr")
            #expect(guest.run() == .exception(isLoad ? .loadAccessFault : .storeAccessFault, address, Guest.code))
        }
    }
}
