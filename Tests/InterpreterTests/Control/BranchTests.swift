import Interpreter
import RISCV
import Testing

@Suite("Branches and jumps")
struct BranchTests {
    /// Marks where control arrived: x10 is 1 behind the branch, 2 at its target.
    private func landing(_ instruction: Instruction, _ rs1: UInt8, _ rs2: UInt8, _ distance: Int32) -> (Program, UInt64) {
        var program = Program()
        program.emit(instruction, rs1: rs1, rs2: rs2, imm: distance)
        program.emit(.addi, rd: 10, imm: 1)
        program.emit(.ebreak)
        return (program, Guest.code &+ UInt64(bitPattern: Int64(distance)))
    }

    @Test("each condition, taken and not", arguments: branchConditions.keys.sorted { $0.rawValue < $1.rawValue })
    func conditions(_ instruction: Instruction) throws {
        let guest = try Guest()
        var failures = Failures()
        var target = Program()
        target.emit(.addi, rd: 10, imm: 2)
        target.emit(.ebreak)
        for (rs1, rs2) in [(6, 7), (6, 6), (6, 0), (0, 7), (0, 0)] as [(UInt8, UInt8)] {
            for distance: Int32 in [16, 4094, -4096, -1000] {
                let (program, there) = landing(instruction, rs1, rs2, distance)
                guest.load(program)
                guest.load(target, at: there)
                for a in Edges.words {
                    for b in rs2 == 7 ? Edges.words : [a] {
                        guest.hart.setX(6, a)
                        guest.hart.setX(7, b)
                        let outcome = guest.run()
                        let taken = branchConditions[instruction]!(rs1 == 0 ? 0 : a, rs2 == 0 ? 0 : rs2 == 7 ? b : a)
                        let pc = taken ? there + 4 : Guest.code + 8
                        failures.check(outcome == .exception(.breakpoint, pc, pc), "\(instruction) \(hex(a)) \(hex(b)) \(distance): \(outcome)")
                        failures.check(guest.hart.x(10) == (taken ? 2 : 1), "\(instruction) \(hex(a)) \(hex(b))")
                    }
                    if distance != 16, a > 2 { break }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("jal reaches a megabyte either way and leaves the address behind itself")
    func jal() throws {
        let guest = try Guest()
        let middle = Guest.base + 0x20_0000
        for distance: Int32 in [8, 2, -4096, 0xFFFFE, -0x100000, 4096] {
            for rd: UInt8 in [0, 1, 5, 31] {
                let there = middle &+ UInt64(bitPattern: Int64(distance))
                var target = Program()
                target.emit(.ebreak)
                guest.load(Program(encode(.jal, rd: rd, imm: distance)), at: middle)
                if distance == 2 {
                    // Into the second half of itself: its upper halfword is 0x0020, then what follows.
                    guest.load(Program(encode(.jal, rd: rd, imm: 2)), at: middle)
                } else {
                    guest.load(target, at: there)
                }
                guest.hart.setX(Int(rd), 3)
                let outcome = guest.run(from: middle)
                if distance != 2 { #expect(outcome == .exception(.breakpoint, there, there)) }
                if distance == 2 { #expect(outcome != .endless) }
                #expect(guest.hart.x(Int(rd)) == (rd == 0 ? 0 : middle + 4))
            }
        }
    }

    @Test("jalr clears bit 0, and takes its target before it writes rd", arguments: [0, 1, 5, 31] as [UInt8], [true, false])
    func jalr(_ rd: UInt8, same: Bool) throws {
        let guest = try Guest()
        let rs1 = same && rd != 0 ? rd : 6
        var target = Program()
        target.emit(.ebreak)
        for imm: Int32 in [0, 1, 2047, -2048] {
            for odd: UInt64 in [0, 1] {
                let there = Guest.data + 0x800
                guest.load(target, at: there)
                guest.load(Program(encode(.jalr, rd: rd, rs1: rs1, imm: imm)))
                guest.hart.setX(Int(rs1), there &- UInt64(bitPattern: Int64(imm)) &+ (imm & 1 == 0 ? odd : 0))
                #expect(guest.run() == .exception(.breakpoint, there, there))
                #expect(guest.hart.x(Int(rd)) == (rd == 0 ? 0 : Guest.code + 4))
            }
        }
    }

    @Test("16-bit jumps leave the address two bytes on")
    func compressed() throws {
        let guest = try Guest()
        var target = Program()
        target.emit(.ebreak)
        let there = Guest.code + 0x100
        guest.load(target, at: there)
        func run(_ encoding: Encoding, rs1: UInt8 = 0, imm: Int32 = 0) -> Outcome {
            var program = Program()
            program.word(encode(encoding, Decoded(encoding.instruction, rs1: rs1, imm: imm)))
            program.emit(.ebreak)
            guest.load(program)
            guest.hart.setX(1, rs1 == 1 ? there : 0x77)
            guest.hart.setX(9, there)
            return guest.run()
        }
        let arrived = Outcome.exception(.breakpoint, there, there)
        let passed = Outcome.exception(.breakpoint, Guest.code + 2, Guest.code + 2)
        #expect(run(.c_j, imm: 0x100) == arrived)
        #expect(guest.hart.x(1) == 0x77)
        #expect(run(.c_jr, rs1: 9) == arrived)
        #expect(guest.hart.x(1) == 0x77)
        #expect(run(.c_jalr, rs1: 9) == arrived)
        #expect(guest.hart.x(1) == Guest.code + 2)
        #expect(run(.c_jalr, rs1: 1) == arrived)
        #expect(guest.hart.x(1) == Guest.code + 2)
        guest.load(target, at: Guest.code + 0xFE)
        for (value, equal) in [(0, true), (1, false), (1 << 63, false)] as [(UInt64, Bool)] {
            guest.hart.setX(8, value)
            let near = Outcome.exception(.breakpoint, Guest.code + 0xFE, Guest.code + 0xFE)
            #expect(run(.c_beqz, rs1: 8, imm: 0xFE) == (equal ? near : passed))
            #expect(run(.c_bnez, rs1: 8, imm: 0xFE) == (equal ? passed : near))
        }
        #expect(run(.c_ebreak) == .exception(.breakpoint, Guest.code, Guest.code))
    }

    // ---- Without C a target has to be a multiple of four (unprivileged specification, "Control Transfer
    // Instructions"): the exception is the jump's own, with the target in tval.

    static var withoutC: Extensions {
        var extensions = Extensions.withoutHypervisor
        for one: Extension in [.c, .zcb] { extensions.remove(one) }
        return extensions
    }

    @Test("without C, a jump to half a word traps at the jump", arguments: [0, 1, 5] as [UInt8])
    func misalignedJump(_ rd: UInt8) throws {
        let guest = try Guest(extensions: Self.withoutC)
        for distance: Int32 in [2, 6, -2, 0x802] {
            guest.load(Program(encode(.jal, rd: rd, imm: distance)))
            guest.hart.setX(Int(rd), 0x99)
            let there = Guest.code &+ UInt64(bitPattern: Int64(distance))
            #expect(guest.run() == .exception(.instructionAddressMisaligned, there, Guest.code))
            if rd != 0 { #expect(guest.hart.x(Int(rd)) == 0x99) }
        }
        for offset: Int32 in [2, 3, -2] {
            guest.load(Program(encode(.jalr, rd: rd, rs1: 6, imm: offset)))
            guest.hart.setX(Int(rd), 0x99)
            guest.hart.setX(6, Guest.data)
            let there = (Guest.data &+ UInt64(bitPattern: Int64(offset))) & ~1
            #expect(guest.run() == .exception(.instructionAddressMisaligned, there, Guest.code))
            if rd != 0 { #expect(guest.hart.x(Int(rd)) == 0x99) }
        }
        // Bit 0 alone is cleared, and doesn't trap.
        guest.load(Program(encode(.jalr, rd: rd, rs1: 6, imm: 1)))
        guest.hart.setX(6, Guest.code + 4)
        #expect(guest.run() == .exception(.breakpoint, Guest.code + 4, Guest.code + 4))
    }

    @Test("without C, a branch to half a word traps when it is taken", arguments: branchConditions.keys.sorted { $0.rawValue < $1.rawValue })
    func misalignedBranch(_ instruction: Instruction) throws {
        let guest = try Guest(extensions: Self.withoutC)
        for (rs2, a, b) in [(7, 1, 2), (7, 2, 1), (7, 1, 1), (0, 0, 0), (0, 1, 0)] as [(UInt8, UInt64, UInt64)] {
            guest.load(Program(encode(instruction, rs1: 6, rs2: rs2, imm: 6)))
            guest.hart.setX(6, a)
            guest.hart.setX(7, b)
            let before = guest.hart.retired
            let taken = branchConditions[instruction]!(a, b)
            #expect(guest.run() == (taken ? .exception(.instructionAddressMisaligned, Guest.code + 6, Guest.code) : .exception(.breakpoint, Guest.code + 4, Guest.code + 4)))
            // And the vector's store.
            #expect(guest.hart.retired - before == (taken ? 1 : 2))
        }
    }

    @Test("without C, return addresses are multiples of four")
    func returnAddresses() throws {
        let guest = try Guest(extensions: Self.withoutC)
        guest.hart[.mepc] = Guest.code + 6
        #expect(guest.hart[.mepc] == Guest.code + 4)
        guest.hart[.sepc] = Guest.code + 3
        #expect(guest.hart[.sepc] == Guest.code)
    }
}
