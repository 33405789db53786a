import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// What a hart remembers of the G-stage under one hgatp, with no fence between accesses: a page that permits some
/// kinds of access permits no others, whatever was permitted before (privileged spec, "Two-Stage Address Translation",
/// and "Guest Physical Address Translation" for what MXR and U mean there).
@Suite("The G-stage without fences")
struct GuestStageCacheTests {
    typealias Prober = TwoStageTests.Prober
    typealias Status = TwoStageTests.Status

    static let modes: [(TranslationMode, TranslationMode)] = [(.bare, .sv39), (.sv39, .sv39), (.sv48, .sv57)]

    @Test("each kind of access first, then all in any order", arguments: modes.indices, [0, 1])
    func kinds(_ index: Int, level: Int) throws {
        let (vs, g) = Self.modes[index]
        let p = try Prober(vs, g)
        var failures = Failures()
        var random = Random(UInt64(index * 2 + level))
        let gpa = p.target(level), va = p.address(gpa, 0)
        for rights in 0..<8 as Range<UInt64> {
            for missing in [0, PTE.U, PTE.A, PTE.D] {
                let bits = (PTE.V | PTE.U | PTE.A | PTE.D | rights << 1) & ~missing
                for first in TwoStageTests.accesses {
                    let user = random.below(2) == 0
                    p.reset()
                    if vs != .bare { p.own.map(va, to: gpa & ~0xFFF, PageTables.all | (user ? PTE.U : 0)) }
                    p.outer.map(gpa, to: p.leafOfGuestStage(level), bits, level: level)
                    let note = "\(vs) \(g) level \(level) \(String(bits, radix: 2)) first \(first)"
                    p.check(va, first.0, first.1, Status(user: user), &failures, note)
                    for (access, way) in (TwoStageTests.accesses + TwoStageTests.accesses).shuffled(using: &random) {
                        // sstatus.MXR counts for the G-stage as well, and only while it is set.
                        let status = Status(user: user, hostMXR: random.below(3) == 0)
                        p.check(va, access, way, status, &failures, fences: false, note)
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// A page that the guest reads as data, and then as a table of its own.
    @Test("what MXR permits to a load it doesn't permit to a walk", arguments: [TranslationMode.sv39, .sv48, .sv57])
    func implicitLoads(_ vs: TranslationMode) throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var outer = GuestPageTables(guest)
        outer.map(Guest.base, to: Guest.base, level: 2)
        // 4 KiB pages where the second set of tables stands.
        for i in 0..<512 as Range<UInt64> { outer.map(0x1_4000_0000 + i << 12, to: Guest.data + i << 12) }
        let table = 0x1_4000_0000 as UInt64
        var own = PageTables(guest, vs)
        let window = 0x20_0000_0000 as UInt64
        own.map(window, to: table)
        // A root there with leaves of the largest page, which lead to RAM's first GiB at its own addresses.
        guest[Guest.data] = PageTables.entry(0, PageTables.all)
        guest[Guest.data + 16] = PageTables.entry(0x8000_0000, PageTables.all)
        let byData = own.satp(), byTable = vs.rawValue << 60 | table >> 12
        var program = Program()
        program.emit(.hlv_d, rd: 5, rs1: 6)
        program.emit(.ebreak)
        guest.load(program)
        h[.hgatp] = outer.hgatp()
        h[.hstatus] = HStatus.SPVP

        func load(_ va: UInt64, _ vsatp: UInt64, mxr: Bool) -> (Outcome, UInt64) {
            h[.vsatp] = vsatp
            let status = mxr ? MStatus.MXR : 0
            if h[.mstatus] & MStatus.MXR != status { h[.mstatus] = status }
            h.setX(6, va)
            return (guest.run(in: .hs), h[.mtinst])
        }
        for bits in [PTE.V | PTE.U | PTE.X | PTE.A | PTE.D, PTE.V | PTE.U | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D] {
            let readable = bits & PTE.R != 0
            outer.map(table, to: Guest.data, bits)
            for mxr in [true, false, true] {
                h.fenceTranslations()
                for _ in 0..<2 {
                    #expect(load(window, byData, mxr: mxr).0.isBreakpoint == (readable || mxr))
                    let walked = load(Guest.data, byTable, mxr: mxr)
                    #expect(walked.0.isBreakpoint == readable)
                    if !readable { #expect(walked.0.cause == 21 && walked.1 == 0x3000) }
                }
            }
        }
    }

    @Test("one hgatp's pages are not another's")
    func owners() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var outers = [GuestPageTables(guest), GuestPageTables(guest, at: GuestPageTables.base + 0x10_0000)]
        guest[Guest.data] = 1
        guest[Guest.data + 0x1000] = 2
        for i in 0..<2 { outers[i].map(0x1_4000_0000, to: Guest.data + UInt64(i) << 12) }
        var program = Program()
        program.emit(.hlv_d, rd: 5, rs1: 6)
        program.emit(.ebreak)
        guest.load(program)
        h[.hstatus] = HStatus.SPVP
        h.setX(6, 0x1_4000_0000)
        for vmids in [[1, 2], [0, 0x3FFF]] as [[UInt64]] {
            for turn in [0, 1, 0, 1, 1, 0] {
                h[.hgatp] = outers[turn].hgatp(vmid: vmids[turn])
                #expect(guest.run(in: .hs).isBreakpoint)
                #expect(h.x(5) == UInt64(turn + 1))
            }
        }
    }
}
