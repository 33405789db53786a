import ExecutionEngine
import GuestMemory
import Interpreter
import RISCV
import Testing

/// Programs made of anything: no guest may bring the process down, nor keep a thread for ever.
@Suite("Guests that run wild")
struct RandomCodeTests {
    static let encodings = Encoding.allCases.filter { $0 != .illegal }

    /// A word: any bits at all, or an instruction of the table with operands that lead somewhere.
    static func word(_ random: inout Random) -> UInt32 {
        switch random.below(8) {
        case 0: return UInt32(truncatingIfNeeded: random.next())
        case 1:
            // A CSR instruction on a register that is likely to be there.
            let csr = CSR.allCases[Int(random.below(UInt64(CSR.allCases.count)))]
            let instruction = [Instruction.csrrw, .csrrs, .csrrc, .csrrwi, .csrrsi, .csrrci][Int(random.below(6))]
            return encode(instruction, rd: UInt8(random.below(32)), rs1: UInt8(random.below(32)), imm: Int32(csr.rawValue))
        default:
            let one = encodings[Int(random.below(UInt64(encodings.count)))]
            // Branches stay near, so that loops form.
            let imm = Int32(truncatingIfNeeded: Int64(random.below(512)) - 256) & (random.below(2) == 0 ? ~7 : ~1)
            return encode(
                one,
                Decoded(
                    one.instruction, rd: UInt8(random.below(32)), rs1: UInt8(random.below(32)), rs2: UInt8(random.below(32)),
                    rs3: UInt8(random.below(32)), rm: UInt8(random.below(8)), aqrl: UInt8(random.below(4)), imm: imm))
        }
    }

    static func value(_ random: inout Random) -> UInt64 {
        switch random.below(6) {
        case 0: random.next()
        case 1: Edges.words[Int(random.below(UInt64(Edges.words.count)))]
        case 2: 0x1000_0000 + random.below(0x1000)
        default: Guest.base + random.below(Guest.ramSize)
        }
    }

    /// Fills memory with code and page tables that point into memory, and the registers with addresses.
    static func prepare(_ machine: BareMachine, _ random: inout Random) {
        let p = machine.memory.pointer(Guest.base, count: Guest.ramSize)!
        var at = 0
        while at < 0x4_0000 {
            let word = word(&random)
            p.storeBytes(of: word, toByteOffset: at, as: UInt32.self)
            at += word & 3 == 3 ? 4 : 2
        }
        // Tables of leaves and pointers within RAM, some of them large, some of them odd.
        for i in 0..<4096 {
            let target = (Guest.base + random.below(Guest.ramSize)) >> 12
            var entry = target << 10 | random.below(256) | 1
            if random.below(4) == 0 { entry = random.next() }
            if random.below(3) == 0 { entry |= 0xCF }
            p.storeBytes(of: entry, toByteOffset: 0x10_0000 + 8 * i, as: UInt64.self)
        }
    }

    /// Runs a hart for a number of exits and kicks, and answers it with anything.
    static func drive(_ hart: BareHart, exits: Int, _ random: inout Random) -> Int {
        let watch = Watchdog.shared.watch(hart)
        defer { Watchdog.shared.release(watch) }
        let before = hart.retired
        var answer = ExitAnswer.none
        for _ in 0..<exits {
            switch hart.run(answer) {
            case .mmioRead: answer = .data(random.next())
            case .sbi: answer = .sbi(error: -2, value: 0)
            default: answer = .none
            }
            if random.below(8) == 0 {
                hart.pc = Guest.base + random.below(0x4_0000) & ~1
                for r in 1..<32 { hart.setX(r, value(&random)) }
            }
        }
        return hart.retired - before
    }

    @Test("random code in M, S and U, with random tables and registers", arguments: 1...12)
    func bare(_ seed: Int) throws {
        var random = Random(UInt64(seed))
        let machine = try BareMachine(harts: 1, ram: Guest.ramSize)
        let h = machine.harts[0]
        Self.prepare(machine, &random)
        var retired = 0
        for round in 0..<12 {
            h.reset()
            for r in 1..<32 { h.setX(r, Self.value(&random)) }
            for csr: CSR in [.mtvec, .stvec] { h[csr] = Guest.base + random.below(0x4_0000) }
            for csr: CSR in [.mstatus, .medeleg, .mideleg, .mie, .menvcfg, .mcounteren, .mepc, .sepc] { h[csr] = random.next() }
            if random.below(3) != 0 { h[.mstatus] = h[.mstatus] | MStatus.FS }
            h[.satp] = [0, 8, 9, 10][Int(random.below(4))] << 60 | random.below(4) << 44 | (Guest.base + 0x10_0000 + random.below(8) << 12) >> 12
            h.mode = [Privilege.machine, .supervisor, .user][round % 3]
            h.pc = Guest.base + random.below(0x4_0000) & ~1
            retired += Self.drive(h, exits: 24, &random)
        }
        #expect(retired > 0)
    }

    /// Tables of each stage that lead to RAM at its own addresses in pages of 2 MiB, with rights that vary; and
    /// around them anything. They lie in RAM, where the guest stores as well.
    static func prepareStages(_ machine: BareMachine, _ random: inout Random) -> (vs: UInt64, g: UInt64) {
        let p = machine.memory.pointer(Guest.base, count: Guest.ramSize)!
        for table in [0x18_0000, 0x19_0000] {
            for i in 0..<4096 { p.storeBytes(of: random.next() & ~0x3FF | random.below(1024), toByteOffset: table + 8 * i, as: UInt64.self) }
            let next = Guest.base + UInt64(table) + 0x4000
            p.storeBytes(of: PageTables.entry(next, PTE.V), toByteOffset: table + 16, as: UInt64.self)
            for i in 0..<4 as Range<UInt64> {
                let entry = PageTables.entry(Guest.base + i << 21, random.below(4) == 0 ? random.below(256) | PTE.V : PageTables.all)
                // The G-stage wants U, the guest's supervisor none.
                let user = table == 0x18_0000 || random.below(2) == 0 ? PTE.U : 0
                p.storeBytes(of: entry & ~PTE.U | user, toByteOffset: table + 0x4000 + 8 * Int(i), as: UInt64.self)
            }
        }
        return ((Guest.base + 0x19_0000) >> 12, (Guest.base + 0x18_0000) >> 12)
    }

    @Test("random code in HS, VS and VU, in two stages of random tables", arguments: 1...12)
    func guests(_ seed: Int) throws {
        var random = Random(UInt64(seed) << 16)
        let machine = try BareMachine(harts: 1, extensions: .hypervisor, ram: Guest.ramSize)
        let h = machine.harts[0]
        var retired = 0
        for round in 0..<24 {
            Self.prepare(machine, &random)
            let roots = Self.prepareStages(machine, &random)
            h.reset()
            h.fenceInstruction()
            for r in 1..<32 { h.setX(r, Self.value(&random)) }
            for csr: CSR in [.mtvec, .stvec, .vstvec] { h[csr] = Guest.base + random.below(0x4_0000) }
            for csr: CSR in [
                .mstatus, .medeleg, .mideleg, .mie, .menvcfg, .mcounteren, .mepc, .sepc, .hstatus, .hedeleg, .hideleg, .hvip, .hcounteren, .henvcfg,
                .htimedelta, .vstimecmp, .vsstatus, .vsepc, .mstateen0, .hstateen0,
            ] { h[csr] = random.next() }
            if random.below(3) != 0 {
                h[.mstatus] = h[.mstatus] | MStatus.FS
                h[.vsstatus] = h[.vsstatus] | MStatus.FS
            }
            h[.satp] = [0, 8][Int(random.below(2))] << 60 | roots.vs
            h[.vsatp] = [0, 8, 8, 9, 10][Int(random.below(5))] << 60 | random.below(4) << 44 | roots.vs
            h[.hgatp] = [0, 8, 8, 8, 9, 10][Int(random.below(6))] << 60 | random.below(4) << 44 | roots.g
            h.mode = round % 3 == 2 ? .user : .supervisor
            h.virtual = round % 3 != 0
            h.pc = Guest.base + random.below(0x4_0000) & ~1
            retired += Self.drive(h, exits: 24, &random)
        }
        #expect(retired > 0)
    }

    @Test("random code on two harts of an SBI machine that share their memory", arguments: 1...4)
    func shared(_ seed: Int) throws {
        var random = Random(UInt64(seed) << 32)
        let machine = try BareMachine(harts: 2, ram: Guest.ramSize, answersSBI: true)
        Self.prepare(machine, &random)
        inParallel(2) { i in
            var random = Random(UInt64(seed * 2 + i))
            let h = machine.harts[i]
            for _ in 0..<6 {
                for r in 1..<32 { h.setX(r, Self.value(&random)) }
                h.setX(17, [EID.rfence, EID.hsm, EID.ipi, EID.time, EID.base, 5][Int(random.below(6))])
                h.setX(16, random.below(5))
                h[.stvec] = Guest.base + random.below(0x4_0000)
                h[.satp] = [0, 8, 9, 10][Int(random.below(4))] << 60 | (Guest.base + 0x10_0000) >> 12
                h.pc = Guest.base + random.below(0x4_0000) & ~1
                _ = Self.drive(h, exits: 25, &random)
            }
        }
    }

    @Test("a trap that traps, for as long as it is let")
    func trapLoop() throws {
        let guest = try Guest()
        for vector in [0x1000_0000, Guest.data, 1 << 60] as [UInt64] {
            guest.hart[.mtvec] = vector
            #expect(guest.run(from: Guest.data + 0x100, kicks: 4) == .endless)
        }
    }

    @Test("a guest that stores all over its own code", arguments: [false, true])
    func overwriting(fences: Bool) throws {
        let guest = try Guest()
        // Copies itself on to the next place, over what was there, and jumps into the copy.
        var p = Program()
        p.emit(.auipc, rd: 5)
        p.emit(.addi, rd: 6, rs1: 5, imm: 64)
        p.emit(.addi, rd: 7, imm: 8)
        let top = p.bytes.count
        p.emit(.ld, rd: 8, rs1: 5)
        p.emit(.sd, rs1: 6, rs2: 8)
        p.emit(.addi, rd: 5, rs1: 5, imm: 8)
        p.emit(.addi, rd: 6, rs1: 6, imm: 8)
        p.emit(.addi, rd: 7, rs1: 7, imm: -1)
        p.loop(.bne, rs1: 7, to: top)
        p.emit(fences ? .fence_i : .addi)
        p.emit(.addi, rd: 10, rs1: 10, imm: 1)
        p.nop(4)
        p.emit(.jal, imm: 4)
        // 64 bytes: the jump leads to the copy. It ends where RAM does.
        #expect(p.count == 64)
        guest.load(p, at: Guest.code)
        let copies = (Guest.ramSize - (Guest.code - Guest.base)) / 64
        let outcome = guest.run(kicks: 4000)
        if fences {
            #expect(guest.hart.x(10) == copies - 1)
            #expect(outcome == .exit(.mmioWrite(address: Guest.base + Guest.ramSize, width: 8, value: guest[Guest.code])))
        } else {
            #expect(outcome != .endless)
        }
    }
}
