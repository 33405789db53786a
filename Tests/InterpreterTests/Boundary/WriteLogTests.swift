import CHost
import ExecutionEngine
import GuestMemory
import RISCV
import Testing

/// `logWrites` and `takeWrites`.
@Suite("Dirty log")
struct WriteLogTests {
    private static let pages = Int(BoundaryGuest.slotSize >> 12)

    /// The numbers of the pages that an answer names.
    private func named(_ words: [UInt64]) -> [Int] {
        words.indices.flatMap { i in (0..<64).filter { words[i] >> UInt64($0) & 1 != 0 }.map { i * 64 + $0 } }
    }

    @Test("names what was written since the last time, by each kind of store")
    func kinds() throws {
        let guest = try BoundaryGuest()
        let base = BoundaryGuest.slot
        var program = Program()
        func address(_ page: UInt64, _ offset: UInt64 = 0) { program.li(5, base + page << 12 + offset) }
        func leave() { program.emit(.sb, imm: 8) }
        program.li(6, 0x77)
        for _ in 0..<2 {
            address(1); program.emit(.sd, rs1: 5, rs2: 6, imm: 8)
            // Once more, in the page that is known by now.
            program.emit(.sb, rs1: 5, rs2: 6, imm: 100)
            address(4, 0xFFC); program.emit(.sd, rs1: 5, rs2: 6)
            address(7); program.emit(.amoadd_w, rd: 7, rs1: 5, rs2: 6)
            address(9); program.emit(.lr_d, rd: 7, rs1: 5)
            address(11); program.emit(.lr_d, rd: 7, rs1: 5); program.emit(.sc_d, rd: 7, rs1: 5, rs2: 6)
            address(255, 0xFC0); program.emit(.cbo_zero, rs1: 5)
            address(100); program.emit(.ld, rd: 7, rs1: 5)
            leave()
        }
        // In pages that loads have been to, and by the SBI implementation.
        address(100); program.emit(.sw, rs1: 5, rs2: 6)
        address(200); program.emit(.addi, rd: 10, rs1: 5)
        program.li(11, 0); program.li(12, 0); program.li(16, 0); program.li(17, EID.sta)
        program.emit(.ecall)
        leave()
        leave()
        try guest.load(program)
        let cpu = guest.machine.cpus[0]
        let out = Exit.mmioWrite(address: 8, width: 1, value: 0)

        #expect(throws: EngineError.self) { try guest.machine.takeWrites(slot: 1) }
        #expect(throws: EngineError.self) { try guest.machine.logWrites(slot: 2, true) }
        try guest.machine.logWrites(slot: 1, true)
        try #require(cpu.run(.none) == out)
        try guest.machine.logWrites(slot: 1, true)
        let all = [1, 4, 5, 7, 11, 255]
        #expect(named(try guest.machine.takeWrites(slot: 1)) == all)
        #expect(named(try guest.machine.takeWrites(slot: 1)) == [])
        try #require(cpu.run(.none) == out)
        #expect(named(try guest.machine.takeWrites(slot: 1)) == all)
        try #require(cpu.run(.none) == out)
        #expect(named(try guest.machine.takeWrites(slot: 1)) == [100, 200])
        // What others write isn't logged.
        try guest.memory.write(1 as UInt64, at: base + 0x3000)
        #expect(named(try guest.machine.takeWrites(slot: 1)) == [])
        try guest.machine.logWrites(slot: 1, false)
        #expect(throws: EngineError.self) { try guest.machine.takeWrites(slot: 1) }
        try #require(cpu.run(.none) == out)
    }

    @Test("names the page tables in which a hart sets A and D")
    func tables() throws {
        let guest = try BoundaryGuest(extensions: Extensions.withoutHypervisor.subtracting([.svade]))
        let root = BoundaryGuest.slot + 0x5000
        // 1 GiB each: the way out, and all of RAM.
        guest[root] = PTE.V | PTE.R | PTE.W | PTE.A | PTE.D
        guest[root + 16] = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | 0x8000_0000 >> 2
        var program = Program()
        program.emit(.sfence_vma)
        program.li(5, BoundaryGuest.report)
        program.emit(.sd, rs1: 5, rs2: 0)
        program.emit(.sb, imm: 8)
        try guest.load(program)
        let cpu = guest.machine.cpus[0]
        try cpu.setRegister(.csr(8), to: 8 << 60 | root >> 12)
        try guest.machine.logWrites(slot: 1, true)
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
        #expect(guest[root + 16] & PTE.D != 0)
        #expect(named(try guest.machine.takeWrites(slot: 1)) == [5])
    }

    @Test("loses nothing under parallel writers")
    func parallel() throws {
        let guest = try BoundaryGuest(harts: 4)
        var program = Program()
        program.emit(.addi, rd: 20, rs1: 10, imm: 1)
        program.emit(.slli, rd: 21, rs1: 10, imm: 3)
        program.li(22, 0x5851_F42D_4C95_7F2D)
        program.li(23, BoundaryGuest.slot)
        let loop = program.bytes.count
        program.emit(.mul, rd: 20, rs1: 20, rs2: 22)
        program.emit(.addi, rd: 20, rs1: 20, imm: 1011)
        program.emit(.srli, rd: 5, rs1: 20, imm: 40)
        program.emit(.andi, rd: 5, rs1: 5, imm: 255)
        program.emit(.slli, rd: 5, rs1: 5, imm: 12)
        program.emit(.add, rd: 5, rs1: 5, rs2: 23)
        program.emit(.add, rd: 6, rs1: 5, rs2: 21)
        program.emit(.ld, rd: 7, rs1: 6)
        program.emit(.addi, rd: 7, rs1: 7, imm: 1)
        program.emit(.sd, rs1: 6, rs2: 7)
        program.emit(.addi, rd: 8, rs1: 5, imm: 64)
        program.emit(.amoadd_d, rd: 0, rs1: 8, rs2: 20)
        program.emit(.addi, rd: 8, rs1: 8, imm: 64)
        program.emit(.lr_d, rd: 9, rs1: 8)
        program.emit(.add, rd: 9, rs1: 9, rs2: 20)
        program.emit(.sc_d, rd: 9, rs1: 8, rs2: 9)
        program.loop(.jal, to: loop)
        try guest.load(program)

        final class Shadow: @unchecked Sendable {
            var bytes = [UInt8](repeating: 0, count: Int(BoundaryGuest.slotSize))
            var takes = 0
            var failed = false
            func take(_ guest: BoundaryGuest) {
                do {
                    let words = try guest.machine.takeWrites(slot: 1)
                    for page in 0..<words.count * 64 where words[page / 64] >> UInt64(page % 64) & 1 != 0 {
                        let copy = try guest.memory.bytes(BoundaryGuest.slot + UInt64(page) << 12, count: 4096)
                        bytes.replaceSubrange(page << 12..<(page + 1) << 12, with: copy)
                    }
                    takes += 1
                } catch { failed = true }
            }
        }
        let shadow = Shadow()
        try guest.machine.logWrites(slot: 1, true)
        guest.whileRunning {
            for i in 0..<400 {
                if i % 50 == 0 { host_sleep_ns(1_000_000) }
                shadow.take(guest)
            }
        }
        shadow.take(guest)
        #expect(!shadow.failed && shadow.takes == 401)
        let memory = try guest.memory.bytes(BoundaryGuest.slot, count: Int(BoundaryGuest.slotSize))
        let wrong = (0..<Self.pages).filter { memory[$0 << 12..<($0 + 1) << 12] != shadow.bytes[$0 << 12..<($0 + 1) << 12] }
        #expect(wrong == [])
        #expect(memory.contains { $0 != 0 })
    }
}
