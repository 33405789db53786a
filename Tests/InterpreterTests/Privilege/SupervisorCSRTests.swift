import Interpreter
import RISCV
import Testing

/// The registers with handlers of their own, by every instruction, from S-mode and from a guest's.
@Suite("Registers of a trap's way in and out")
struct SupervisorCSRTests {
    /// A register, what HS-mode's has for its guest's, and the bits that hold what is written.
    static let registers: [(CSR, CSR, UInt64)] = [
        (.sstatus, .vsstatus, MStatus.SIE | MStatus.SPIE | MStatus.SPP | MStatus.FS | MStatus.SUM | MStatus.MXR),
        (.sscratch, .vsscratch, ~0), (.sepc, .vsepc, ~1), (.scause, .vscause, ~0), (.stval, .vstval, ~0),
    ]
    static let instructions: [Instruction] = [.csrrw, .csrrs, .csrrc, .csrrwi, .csrrsi, .csrrci]

    /// "csrrw ... csrrs ... the initial value in rs1 is treated as a bit mask" (unprivileged specification, "Zicsr").
    static func written(_ instruction: Instruction, _ old: UInt64, _ operand: UInt64) -> UInt64 {
        switch instruction {
        case .csrrw, .csrrwi: operand
        case .csrrs, .csrrsi: old | operand
        default: old & ~operand
        }
    }

    /// SD sums up FS, and UXL is fixed at 64 bits.
    static func asStatus(_ fields: UInt64) -> UInt64 {
        fields | 2 << MStatus.UXLShift | (fields & MStatus.FS == MStatus.FS ? MStatus.SD : 0)
    }

    @Test("each instruction × register × mode, with operands at random", arguments: [Mode.hs, .vs, .m])
    func exact(_ mode: Mode) throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var random = Random(11)
        var failures = Failures()
        for (own, ofGuest, mask) in Self.registers {
            let register = mode == .vs ? ofGuest : own, other = mode == .vs ? own : ofGuest
            for round in 0..<600 {
                let instruction = Self.instructions[round % Self.instructions.count]
                let rd = UInt8(random.below(4)) * 5, rs1 = UInt8(random.below(4)) * 5
                let isStatus = own == .sstatus
                let before = random.next() & mask, aside = random.next() & mask
                // One field at a time as well as many.
                let sparse = random.next() & random.next() & random.next()
                let value = random.below(3) == 0 ? random.next() : isStatus ? sparse & mask : sparse
                for number: UInt8 in [5, 10, 15] { h.setX(Int(number), value) }
                h[.mstatus] = MStatus.FS
                h[other] = aside
                h[register] = before
                guest.load(Program(encode(instruction, rd: rd, rs1: rs1, imm: Int32(own.rawValue))))
                let outcome = guest.run(in: mode)
                let immediate = [.csrrwi, .csrrsi, .csrrci].contains(instruction)
                let operand = immediate ? UInt64(rs1) : rs1 == 0 ? 0 : value
                let old = isStatus ? Self.asStatus(before) : before
                let new = Self.written(instruction, old, operand) & mask
                let name = "\(instruction) x\(rd), \(own), \(rs1) of \(hex(value)) on \(hex(before)) in \(mode)"
                failures.check(outcome.isBreakpoint, "\(name): \(outcome)")
                failures.check(rd == 0 || h.x(Int(rd)) == old, "\(name): x\(rd) is \(hex(h.x(Int(rd))))")
                let after = h[register], want = isStatus ? Self.asStatus(new) : new
                failures.check(after == want, "\(name): became \(hex(after))")
                if !isStatus { failures.check(h[other] == aside, "\(name): \(other) changed") }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("not from U-mode or VU-mode", arguments: [Mode.u, .vu])
    func closed(_ mode: Mode) throws {
        let guest = try Guest.hypervisor()
        for (own, _, _) in Self.registers {
            for instruction in Self.instructions {
                let word = encode(instruction, rd: 5, rs1: 6, imm: Int32(own.rawValue))
                guest.load(Program(word))
                let want = mode == .vu ? Exception.virtualInstruction : .illegalInstruction
                #expect(guest.run(in: mode).cause == want.rawValue, "\(instruction) \(own)")
            }
        }
    }

    @Test("floating point goes off and on with the instruction that says so", arguments: [Mode.hs, .vs])
    func floatingPoint(_ mode: Mode) throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var program = Program()
        program.emit(.fadd_d, rd: 1, rs1: 1, rs2: 1)
        program.emit(.csrrc, rd: 0, rs1: 6, imm: Int32(CSR.sstatus.rawValue))
        let off = program.count
        program.emit(.fadd_d, rd: 1, rs1: 1, rs2: 1)
        program.emit(.ebreak)
        guest.load(program)
        h[.mstatus] = MStatus.FS
        h[.vsstatus] = MStatus.FS
        h.setX(6, MStatus.FS)
        let first = guest.run(in: mode)
        #expect(first.cause == Exception.illegalInstruction.rawValue)
        #expect(h[.mepc] == Guest.code + off)

        program = Program()
        program.emit(.csrrs, rd: 7, rs1: 6, imm: Int32(CSR.sstatus.rawValue))
        program.emit(.fadd_d, rd: 1, rs1: 1, rs2: 1)
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run(in: mode).isBreakpoint)
        #expect(h.x(7) & MStatus.FS == 0)
    }
}
