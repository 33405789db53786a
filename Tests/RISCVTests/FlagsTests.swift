import RISCV
import Testing

@Suite("Flags")
struct FlagsTests {
    @Test("what the block builder relies on")
    func flags() {
        #expect(Instruction.addi.flags == [])
        #expect(Instruction.lw.flags == [.isLoad, .mayTrap])
        #expect(Instruction.sd.flags == [.isStore, .mayTrap])
        #expect(Instruction.beq.flags == [.isBranch, .endsBlock, .mayTrap])
        #expect(Instruction.amoadd_w.flags == [.isAtomic, .isLoad, .isStore, .mayTrap])
        #expect(Instruction.fld.flags == [.isFP, .isLoad, .mayTrap])
        #expect(Instruction.fadd_s.flags == [.isFP, .mayTrap])
        #expect(Instruction.ecall.flags == [.isSystem, .endsBlock, .mayTrap])
        #expect(Instruction.illegal.flags == [.endsBlock, .mayTrap])
        for instruction in [Instruction.fence_i, .sfence_vma, .mret, .sret, .wfi, .csrrw, .jal, .jalr, .ebreak] {
            #expect(instruction.flags.contains(.endsBlock), "\(instruction)")
        }
    }

    @Test("whatever accesses memory or floating-point state may trap")
    func mayTrap() {
        for instruction in Instruction.allCases {
            let flags = instruction.flags
            if !flags.isDisjoint(with: [.isLoad, .isStore, .isFP, .isBranch]) { #expect(flags.contains(.mayTrap)) }
        }
    }

    @Test("raw values count up from illegal: the handler table is indexed by them")
    func rawValues() {
        #expect(Instruction.illegal.rawValue == 0)
        #expect(Instruction.allCases.map { Int($0.rawValue) } == Array(0..<Instruction.allCases.count))
    }
}
