import Interpreter
import RISCV
import Synchronization
import Testing

/// "For CSRRS, CSRRC ... other bits in the CSR are not explicitly written" (unprivileged specification, "Zicsr"): what
/// another hart does to those in between stays.
@Suite("Interrupts that become pending during a CSR instruction")
struct PendingBitTests {
    @Test("setting or clearing LCOFIP loses no software interrupt", arguments: [CSR.sip, .mip], [Instruction.csrrs, .csrrc])
    func raisedMeanwhile(csr: CSR, instruction: Instruction) throws {
        let guest = try Guest()
        let h = guest.hart
        h[.mideleg] = 0x2222
        var program = Program()
        let start = program.bytes.count
        for _ in 0..<8 { program.emit(instruction, rs1: 6, imm: Int32(csr.rawValue)) }
        program.emit(.addi, rd: 5, rs1: 5, imm: -1)
        program.loop(.bne, rs1: 5, to: start)
        program.emit(.ebreak)
        guest.load(program)
        var lost = 0
        for round in 0..<1500 {
            h[.mip] = 0
            h.setX(5, 100)
            h.setX(6, 1 << 13)
            let clock = Clock()
            inParallel(2) { thread in
                if thread == 0 {
                    clock.running.store(true, ordering: .releasing)
                    _ = guest.run(in: csr == .mip ? .machine : .supervisor)
                } else {
                    while !clock.running.load(ordering: .acquiring) {}
                    while clock.ticks.wrappingAdd(1, ordering: .relaxed).newValue < round % 500 * 4 {}
                    h.setPending(1 << 1, true)
                }
            }
            if h[.mip] & 2 == 0 { lost += 1 }
        }
        #expect(lost == 0)
    }

    private final class Clock: Sendable {
        let running = Atomic<Bool>(false)
        let ticks = Atomic<Int>(0)
    }
}
