import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// What fences of both worlds must forget, and what a change of worlds leaves (privileged spec, "Hypervisor
/// Memory-Management Fence Instructions", "Memory-Management Fences").
@Suite("Fences of guests")
struct GuestFenceTests {
    /// A guest with a page that both stages map, read by the program at `Guest.code`.
    private final class World {
        let guest: Guest
        var own: PageTables, outer: GuestPageTables
        static let va: UInt64 = 0x1000_0000, gpa: UInt64 = 0x1_0000_0000, code: UInt64 = 0x2000_0000

        init() throws {
            guest = try Guest.hypervisor()
            own = PageTables(guest)
            outer = GuestPageTables(guest)
            own.map(Self.va, to: Self.gpa)
            own.map(Self.code, to: Guest.code)
            for i in 0..<4 as Range<UInt64> { outer.map(Guest.base + i << 21, to: Guest.base + i << 21, level: 1) }
            outer.map(Self.gpa, to: Guest.data)
            for i in 0..<4 as Range<UInt64> { guest[Guest.data + i << 12] = 100 + i }
            guest.load(Program(encode(.ld, rd: 5, rs1: 6)))
            enter(asid: 1, vmid: 1)
        }

        func enter(asid: UInt64, vmid: UInt64) {
            guest.hart[.vsatp] = own.satp(asid: asid)
            guest.hart[.hgatp] = outer.hgatp(vmid: vmid)
        }

        func read() -> UInt64 {
            guest.hart.setX(5, 0)
            guest.hart.setX(6, Self.va)
            return guest.run(from: Self.code, in: .vs).isBreakpoint ? guest.hart.x(5) : ~0
        }

        func execute(_ instruction: Instruction, rs1: UInt64?, rs2: UInt64?, in mode: Mode = .hs) -> Bool {
            let word = encode(instruction, rs1: rs1 == nil ? 0 : 6, rs2: rs2 == nil ? 0 : 7)
            guest.load(Program(word), at: Guest.code + 0x800)
            guest.hart.setX(6, rs1 ?? 0)
            guest.hart.setX(7, rs2 ?? 0)
            return guest.run(from: mode.isVirtual ? Self.code + 0x800 : Guest.code + 0x800, in: mode).isBreakpoint
        }
    }

    /// Operands that cover the entry in question: of address, then of ASID or VMID.
    private static let covering: [(Bool, Bool)] = [(false, false), (true, false), (false, true), (true, true)]

    @Test("HFENCE.VVMA, HINVAL.VVMA and the guest's own SFENCE.VMA and SINVAL.VMA see a changed VS-stage", arguments: covering.indices)
    func guestVirtual(_ index: Int) throws {
        let (address, asid) = Self.covering[index]
        for (instruction, mode) in [
            (.hfence_vvma, .hs), (.hinval_vvma, .hs), (.hfence_vvma, .m), (.sfence_vma, .vs), (.sinval_vma, .vs),
        ] as [(Instruction, Mode)] {
            let w = try World()
            #expect(w.read() == 100)
            for i in 1..<4 as Range<UInt64> {
                w.outer.map(World.gpa + i << 12, to: Guest.data + i << 12)
                w.own.map(World.va, to: World.gpa + i << 12)
                #expect(w.execute(instruction, rs1: address ? World.va : nil, rs2: asid ? 1 : nil, in: mode))
                #expect(w.read() == 100 + i, "\(instruction) in \(mode)")
            }
        }
    }

    @Test("HFENCE.GVMA and HINVAL.GVMA see a changed G-stage", arguments: covering.indices)
    func guestPhysical(_ index: Int) throws {
        let (address, vmid) = Self.covering[index]
        for (instruction, mode) in [(.hfence_gvma, .hs), (.hinval_gvma, .hs), (.hfence_gvma, .m)] as [(Instruction, Mode)] {
            let w = try World()
            #expect(w.read() == 100)
            for i in 1..<4 as Range<UInt64> {
                w.outer.map(World.gpa, to: Guest.data + i << 12)
                #expect(w.execute(instruction, rs1: address ? World.gpa >> 2 : nil, rs2: vmid ? 1 : nil, in: mode))
                #expect(w.read() == 100 + i, "\(instruction) in \(mode)")
            }
        }
    }

    /// No entry of hardware that combines the stages would outlive it, so what's kept of the G-stage alone mustn't.
    @Test("a fence of the whole VS-stage sees a changed G-stage as well")
    func guestVirtualAll() throws {
        for (instruction, mode) in [(.hfence_vvma, .hs), (.sfence_vma, .vs), (.sinval_vma, .vs)] as [(Instruction, Mode)] {
            let w = try World()
            #expect(w.read() == 100)
            for i in 1..<4 as Range<UInt64> {
                w.outer.map(World.gpa, to: Guest.data + i << 12)
                #expect(w.execute(instruction, rs1: nil, rs2: nil, in: mode))
                #expect(w.read() == 100 + i, "\(instruction) in \(mode)")
            }
        }
    }

    @Test("code as well: a fetch follows the changed stage")
    func code() throws {
        for physical in [false, true] {
            let w = try World()
            let va: UInt64 = 0x3000_0000, gpa: UInt64 = 0x1_4000_0000
            for i in 0..<3 as Range<UInt64> {
                var program = Program()
                program.emit(.addi, rd: 5, imm: Int32(7 + i))
                program.emit(.ebreak)
                w.guest.load(program, at: Guest.data + 0x10000 + i << 12)
            }
            w.own.map(va, to: gpa)
            w.outer.map(gpa, to: Guest.data + 0x10000)
            for i in 0..<3 as Range<UInt64> {
                if i > 0 {
                    if physical {
                        w.outer.map(gpa, to: Guest.data + 0x10000 + i << 12)
                        #expect(w.execute(.hfence_gvma, rs1: gpa >> 2, rs2: nil))
                    } else {
                        w.outer.map(gpa + i << 12, to: Guest.data + 0x10000 + i << 12)
                        w.own.map(va, to: gpa + i << 12)
                        #expect(w.execute(.hfence_vvma, rs1: va, rs2: nil))
                    }
                }
                #expect(w.guest.run(from: va, in: .vs).isBreakpoint)
                #expect(w.guest.hart.x(5) == 7 + i)
            }
        }
    }

    /// Nothing says that they must stay; but a world switch that lost them would be what VMIDs are there against.
    @Test("entries outlive a switch of VMID, of ASID and of V")
    func kept() throws {
        let w = try World()
        #expect(w.read() == 100)
        // Changed without a fence: whoever still reads the old page has it from the TLB.
        w.outer.map(World.gpa, to: Guest.data + 0x1000)
        #expect(w.read() == 100)
        w.enter(asid: 1, vmid: 2)
        #expect(w.read() == 101)
        w.enter(asid: 2, vmid: 1)
        #expect(w.read() == 101)
        // In HS-mode an address space of its own, fenced there.
        w.guest.hart[.satp] = 0
        #expect(w.execute(.sfence_vma, rs1: nil, rs2: nil))
        w.enter(asid: 1, vmid: 1)
        #expect(w.read() == 100)
        // Fences of others: another ASID, another VMID, and HS-level addresses.
        #expect(w.execute(.hfence_vvma, rs1: nil, rs2: 9) && w.execute(.hfence_gvma, rs1: nil, rs2: 9))
        #expect(w.execute(.sfence_vma, rs1: World.va, rs2: nil))
        #expect(w.read() == 100)
        #expect(w.execute(.hfence_gvma, rs1: nil, rs2: 1))
        #expect(w.read() == 101)
    }

    @Test("a VMID doesn't see another's translations, nor HS-mode a guest's")
    func apart() throws {
        let w = try World()
        #expect(w.read() == 100)
        var second = GuestPageTables(w.guest, at: GuestPageTables.base + 0x10_0000)
        for i in 0..<4 as Range<UInt64> { second.map(Guest.base + i << 21, to: Guest.base + i << 21, level: 1) }
        second.map(World.gpa, to: Guest.data + 0x2000)
        w.guest.hart[.hgatp] = second.hgatp(vmid: 2)
        #expect(w.read() == 102)
        w.guest.hart[.hgatp] = w.outer.hgatp(vmid: 1)
        #expect(w.read() == 100)
        // HS-mode with the same value in satp that the guest has in vsatp, and nothing at the address.
        var own = PageTables(w.guest, at: Guest.tables + 0x8_0000)
        own.map(World.code, to: Guest.code)
        w.guest.hart[.satp] = own.satp(asid: 1)
        w.guest.hart[.vsatp] = own.satp(asid: 1)
        w.guest.hart.setX(6, World.va)
        #expect(w.guest.run(from: World.code, in: .hs) == .exception(.loadPageFault, World.va, World.code, .supervisor))
        #expect(w.guest.run(from: World.code, in: .vs) == .exception(.loadPageFault, World.va, World.code, .supervisor))
    }

    @Test("changes of vsstatus.MXR, SUM and henvcfg.PBMTE need no fence here")
    func status() throws {
        let w = try World()
        let h = w.guest.hart
        w.own.map(World.va, to: World.gpa, PTE.V | PTE.X | PTE.A)
        h.fenceTranslations()
        for mxr in [false, true, false] {
            h[.vsstatus] = mxr ? MStatus.MXR : 0
            #expect(w.read() == (mxr ? 100 : ~0))
        }
        w.own.map(World.va, to: World.gpa, PageTables.all | PTE.U)
        h.fenceTranslations()
        for sum in [false, true, false] {
            h[.vsstatus] = sum ? MStatus.SUM : 0
            #expect(w.read() == (sum ? 100 : ~0))
        }
    }

    /// SBI RFENCE's HFENCE calls (SBI 3.0, chapter 8) from hart 0 for hart 1 and itself.
    @Test("SBI's HFENCE calls", arguments: [3, 4, 5, 6] as [UInt64])
    func remote(_ function: UInt64) throws {
        let guest = try Guest(harts: 1, extensions: .hypervisor, answersSBI: true)
        let h = guest.hart
        var own = PageTables(guest), outer = GuestPageTables(guest)
        for i in 0..<4 as Range<UInt64> { outer.map(Guest.base + i << 21, to: Guest.base + i << 21, level: 1) }
        own.map(World.va, to: World.gpa)
        outer.map(World.gpa, to: Guest.data)
        guest[Guest.data] = 100
        guest[Guest.data + 0x1000] = 101
        // HS-mode enters the guest by sret; the guest's ebreak and everything else comes back to HS-mode's vector,
        // which stores out of RAM.
        own.map(World.code, to: Guest.code)
        var program = Program()
        program.emit(.ld, rd: 5, rs1: 6)
        program.emit(.ebreak)
        guest.load(program)
        program = Program()
        program.emit(.sb, rs1: 0, rs2: 0, imm: 8)
        guest.load(program, at: Guest.supervisorVector)
        h[.stvec] = Guest.supervisorVector
        program = Program()
        program.emit(.sret)
        guest.load(program, at: Guest.code + 0x800)
        program = Program()
        program.emit(.ecall)
        program.emit(.sb, rs1: 0, rs2: 0, imm: 8)
        guest.load(program, at: Guest.code + 0xC00)
        func read() -> UInt64 {
            h[.vsatp] = own.satp(asid: 1)
            h[.hgatp] = outer.hgatp(vmid: 1)
            h[.sepc] = World.code
            h[.hstatus] = HStatus.SPV
            h[.mstatus] = MStatus.SPP
            h.setX(6, World.va)
            h.setX(5, 0)
            #expect(guest.run(from: Guest.code + 0x800, in: .supervisor) == .exit(.mmioWrite(address: 8, width: 1, value: 0)))
            #expect(h[.scause] == 3 && h[.hstatus] & HStatus.SPV != 0)
            return h.x(5)
        }
        #expect(read() == 100)
        if function < 5 {
            outer.map(World.gpa, to: Guest.data + 0x1000)
        } else {
            outer.map(World.gpa + 0x1000, to: Guest.data + 0x1000)
            own.map(World.va, to: World.gpa + 0x1000)
        }
        let start = function < 5 ? World.gpa : World.va
        for (i, value) in ([1, 0, start, 4096, 1] as [UInt64]).enumerated() { h.setX(10 + i, value) }
        h.setX(16, function)
        h.setX(17, 0x5246_4E43)
        #expect(guest.run(from: Guest.code + 0xC00, in: .supervisor) == .exit(.mmioWrite(address: 8, width: 1, value: 0)))
        #expect(h.x(10) == 0)
        #expect(read() == 101)
        // On a hart without H they don't exist.
        let plain = try Guest(harts: 1, extensions: .withoutHypervisor, answersSBI: true)
        plain.load(program, at: Guest.code)
        for (i, value) in ([1, 0, 0, 4096, 1] as [UInt64]).enumerated() { plain.hart.setX(10 + i, value) }
        plain.hart.setX(16, function)
        plain.hart.setX(17, 0x5246_4E43)
        _ = plain.run(in: .supervisor)
        #expect(Int64(bitPattern: plain.hart.x(10)) == -2)
    }
}
