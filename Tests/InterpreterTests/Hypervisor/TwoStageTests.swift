import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Two-stage translation")
struct TwoStageTests {
    /// How an access is made in a guest's name.
    enum Way: CaseIterable {
        /// By the guest itself, by HLV and HSV in HS-mode, by M-mode with MPRV and MPV.
        case directly, byHypervisor, byMachine
    }

    struct Status {
        var user = false, sum = false, guestMXR = false, hostMXR = false
    }

    /// A guest whose code, tables and G-stage tables stand where no test touches them.
    final class Prober {
        let guest: Guest
        let vs: TranslationMode, g: TranslationMode
        var own: PageTables, outer: GuestPageTables
        static let codeVA: UInt64 = 0xFFFF_FFF0_0000_0000
        static let userCodeVA: UInt64 = 0xFFFF_FFF0_4000_0000
        static let word: UInt64 = 0x00100073_00100073
        /// ld, ebreak, sd, ebreak, jalr; hlv.d, ebreak, hsv.d, ebreak, hlvx.wu, ebreak
        static let program: Program = {
            var program = Program()
            program.emit(.ld, rd: 5, rs1: 6)
            program.emit(.ebreak)
            program.emit(.sd, rs1: 6, rs2: 7)
            program.emit(.ebreak)
            program.emit(.jalr, rd: 1, rs1: 6)
            program.emit(.hlv_d, rd: 5, rs1: 6)
            program.emit(.ebreak)
            program.emit(.hsv_d, rs1: 6, rs2: 7)
            program.emit(.ebreak)
            program.emit(.hlvx_wu, rd: 5, rs1: 6)
            program.emit(.ebreak)
            return program
        }()

        init(_ vs: TranslationMode, _ g: TranslationMode) throws {
            guest = try Guest.hypervisor()
            self.vs = vs
            self.g = g
            own = PageTables(guest, vs == .bare ? .sv39 : vs)
            outer = GuestPageTables(guest, g == .bare ? .sv39 : g)
            guest.load(Self.program)
            reset()
        }

        /// Tables with the code and, for the G-stage, all of RAM at its own addresses.
        func reset() {
            own = PageTables(guest, vs == .bare ? .sv39 : vs)
            own.map(Self.codeVA, to: Guest.code)
            own.map(Self.userCodeVA, to: Guest.code, PageTables.all | PTE.U)
            outer = GuestPageTables(guest, g == .bare ? .sv39 : g)
            for i in 0..<4 as Range<UInt64> { outer.map(Guest.base + i << 21, to: Guest.base + i << 21, level: 1) }
        }

        var vsatp: UInt64 { vs == .bare ? 0 : own.satp(asid: 5) }
        var hgatp: UInt64 { g == .bare ? 0 : outer.hgatp(vmid: 3) }

        /// Guest physical address that the G-stage, with a leaf of `level`, leads to Guest.data.
        func target(_ level: Int) -> UInt64 {
            if g == .bare { return Guest.data }
            let size: UInt64 = 1 << UInt64(12 + 9 * level)
            return (level == 4 ? 1 << 48 : 0x180_0000_0000) / size * size + Guest.data % size
        }
        func leafOfGuestStage(_ level: Int) -> UInt64 {
            let size: UInt64 = 1 << UInt64(12 + 9 * level)
            return Guest.data / size * size
        }
        /// Virtual address that the VS-stage, with a leaf of `level`, leads to `gpa`.
        func address(_ gpa: UInt64, _ level: Int) -> UInt64 {
            if vs == .bare { return gpa }
            let size: UInt64 = 1 << UInt64(12 + 9 * level)
            return 0x2A_0000_0000 / size * size + gpa % size
        }

        /// - Parameter fences: with a fence before; without one, what the hart knows by then has to do
        func check(
            _ va: UInt64, _ access: TwoStageOracle.Access, _ way: Way, _ status: Status, _ failures: inout Failures, fences: Bool = true,
            _ note: @autoclosure () -> String
        ) {
            let h = guest.hart
            h[.vsatp] = vsatp
            h[.hgatp] = hgatp
            let oracle = TwoStageOracle(
                vsLevels: vs.levels, vsRoot: own.root, gLevels: g.levels, gRoot: outer.root, user: status.user, sum: status.sum,
                guestMXR: status.guestMXR, hostMXR: status.hostMXR, vsPBMTE: h[.henvcfg] >> 62 & 1 == 1, gPBMTE: h[.menvcfg] >> 62 & 1 == 1,
                memory: { [guest] address in
                    guard address >= Guest.base, address < Guest.base + Guest.ramSize else { return nil }
                    return guest[address]
                })
            guest[Guest.data] = Self.word
            guest[Guest.data + 0x340] = Self.word
            h[.mstatus] =
                (status.hostMXR ? MStatus.MXR : 0)
                | (way == .byMachine ? MStatus.MPRV | MStatus.MPV | (status.user ? 0 : 1) << MStatus.MPPShift : 0)
            h[.vsstatus] = (status.sum ? MStatus.SUM : 0) | (status.guestMXR ? MStatus.MXR : 0)
            h[.hstatus] = status.user ? 0 : HStatus.SPVP
            if fences { h.fenceTranslations() }
            h.setX(5, 0)
            h.setX(6, va)
            h.setX(7, Self.word)
            let offset: UInt64 =
                switch (access, way) {
                case (.load, .byHypervisor): 20
                case (.store, .byHypervisor): 28
                case (.loadOfCode, _): 36
                case (.load, _): 0
                case (.store, _): 8
                case (.fetch, _): 16
                }
            let mode: Mode = way == .directly ? (status.user ? .vu : .vs) : way == .byHypervisor ? .hs : .m
            let code = way != .directly || vs == .bare ? Guest.code : status.user ? Self.userCodeVA : Self.codeVA
            let pc = code + offset
            let instruction = UInt64(Self.program.bytes[Int(offset)...].prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })

            var want: TwoStageOracle.Fault?
            var physical: UInt64 = 0
            do throws(TwoStageOracle.Fault) { physical = try oracle.translate(va, access) } catch { want = error }
            let outcome = guest.run(from: pc, in: mode)

            func exception(_ causes: (fetch: UInt64, load: UInt64, store: UInt64)) -> Outcome {
                let cause = access == .fetch ? causes.fetch : access == .store ? causes.store : causes.load
                return .trap(cause: cause, value: va, pc: access == .fetch ? va : pc, mode: mode.privilege)
            }
            var expected: Outcome
            var tval2: UInt64 = 0, tinst: UInt64 = 0
            // Loads keep rd, funct3 and opcode, stores rs2, funct3 and opcode, HLV and HSV all but rs1.
            if access != .fetch { tinst = way == .byHypervisor ? instruction & ~0xF_8000 : instruction & (access == .store ? 0x1F0_707F : 0x7FFF) }
            switch want {
            case nil:
                tinst = 0
                let inRAM = physical >= Guest.base && physical + 8 <= Guest.base + Guest.ramSize
                if access == .fetch {
                    expected = inRAM ? .exception(.breakpoint, va, va, mode.privilege) : .exception(.instructionAccessFault, va, va, mode.privilege)
                } else if !inRAM {
                    expected = .exit(access == .store ? .mmioWrite(address: physical, width: 8, value: Self.word) : .mmioRead(address: physical, width: access == .load ? 8 : 4))
                } else {
                    expected = .exception(.breakpoint, pc + 4, pc + 4, mode.privilege)
                    if outcome == expected, access != .store {
                        failures.check(h.x(5) == (access == .load ? guest[physical] : UInt64(UInt32(truncatingIfNeeded: guest[physical]))), "\(note()): not \(hex(physical))")
                    }
                }
            case .page: expected = exception((12, 13, 15))
            case .access: expected = exception((1, 5, 7))
            case .guestPage(let gpa, let implicit):
                expected = exception((20, 21, 23))
                tval2 = gpa >> 2
                if implicit { tinst = 0x3000 }
            }
            let name = "\(note()) \(access) \(way) \(status) va \(hex(va))"
            failures.check(outcome == expected, "\(name): \(outcome), not \(expected)")
            if want != nil, outcome == expected {
                failures.check(h[.mtval2] == tval2 && h[.mtinst] == tinst, "\(name): mtval2 \(hex(h[.mtval2])), not \(hex(tval2)); mtinst \(hex(h[.mtinst])), not \(hex(tinst))")
                failures.check(h[.mstatus] & MStatus.GVA != 0 && (h[.mstatus] & MStatus.MPV != 0) == mode.isVirtual, "\(name): GVA, MPV")
            }
        }
    }

    static let pairs: [(TranslationMode, TranslationMode)] = {
        let modes: [TranslationMode] = [.bare, .sv39, .sv48, .sv57]
        return modes.flatMap { vs in modes.map { (vs, $0) } }
    }()
    static let accesses: [(TwoStageOracle.Access, Way)] = [
        (.load, .directly), (.store, .directly), (.fetch, .directly), (.load, .byHypervisor), (.store, .byHypervisor),
        (.loadOfCode, .byHypervisor), (.load, .byMachine), (.store, .byMachine),
    ]

    /// Each level of each stage, with every combination of V R W X U A D in one of them and all rights in the other.
    @Test("modes × page sizes × permissions × access", arguments: pairs.indices)
    func permissions(_ index: Int) throws {
        let (vs, g) = Self.pairs[index]
        let p = try Prober(vs, g)
        var failures = Failures()
        var random = Random(UInt64(index))
        for vsLevel in 0..<max(vs.levels, 1) {
            for gLevel in 0..<max(g.levels, 1) {
                for pattern in 0..<256 as Range<UInt64> {
                    let stage = pattern & 128 != 0
                    if stage ? g == .bare : vs == .bare { continue }
                    // All of them for 4 KiB pages in the other stage; elsewhere a part.
                    if stage ? vsLevel != 0 : gLevel != 0, random.below(6) != 0 { continue }
                    let bits = pattern & 0x1F | (pattern >> 5 & 3) << 6
                    let gpa = p.target(gLevel), va = p.address(gpa, vsLevel)
                    for user in [false, true] {
                        p.reset()
                        let size: UInt64 = 1 << UInt64(12 + 9 * vsLevel)
                        if vs != .bare {
                            p.own.map(va, to: gpa / size * size, stage ? PageTables.all | (user ? PTE.U : 0) : bits, level: vsLevel)
                        }
                        if g != .bare { p.outer.map(gpa, to: p.leafOfGuestStage(gLevel), stage ? bits : GuestPageTables.all, level: gLevel) }
                        let status = Status(user: user, sum: random.below(2) == 0, guestMXR: random.below(2) == 0, hostMXR: random.below(3) == 0)
                        for (access, way) in Self.accesses {
                            p.check(va, access, way, status, &failures, "\(vs) \(g) levels \(vsLevel) \(gLevel) \(stage ? "G" : "VS") \(String(bits, radix: 2))")
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// Entries of the G-stage whatever they are: reserved bits, N, PBMT, bases, pointers.
    @Test("forms of G-stage entries", arguments: [TranslationMode.sv39, .sv48, .sv57], [false, true])
    func forms(_ g: TranslationMode, pbmte: Bool) throws {
        let p = try Prober(.sv39, g)
        p.guest.hart[.menvcfg] = pbmte ? EnvironmentConfiguration.PBMTE : 0
        // The guest's own PBMTE is another matter.
        p.guest.hart[.henvcfg] = EnvironmentConfiguration.PBMTE
        var failures = Failures()
        for level in 0..<g.levels {
            let gpa = p.target(level), va = p.address(gpa, 0)
            let leaf = PageTables.entry(p.leafOfGuestStage(level), GuestPageTables.all)
            var entries: [UInt64] = [leaf, leaf | PTE.G, leaf | PTE.RSW, leaf & ~PTE.U]
            for bit in 54...63 as ClosedRange<UInt64> { entries.append(leaf | 1 << bit) }
            entries.append(leaf | 3 << 61)
            for low in 0..<16 as Range<UInt64> { entries.append(PageTables.entry(Guest.data & ~0xFFFF | low << 12, GuestPageTables.all | PTE.N)) }
            for bit in 0..<UInt64(9 * level) { entries.append(leaf ^ 1 << (10 + bit)) }
            let pointer = PageTables.entry(0x1000_0000, PTE.V)
            for bits in [0, PTE.A, PTE.D, PTE.U, PTE.N, 1 << 61] { entries.append(pointer | bits) }
            for entry in entries {
                p.reset()
                p.own.map(va, to: gpa & ~0xFFF)
                p.guest[p.outer.slot(gpa, level: level)] = entry
                for (access, way) in Self.accesses {
                    p.check(va, access, way, Status(), &failures, "\(g) level \(level) entry \(hex(entry)) PBMTE \(pbmte)")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("PBMT of the VS-stage is henvcfg's to allow, as far as menvcfg does")
    func guestMemoryTypes() throws {
        let p = try Prober(.sv39, .sv39)
        var failures = Failures()
        let gpa = p.target(0), va = p.address(gpa, 0)
        for machine in [0, EnvironmentConfiguration.PBMTE] {
            for own in [0, EnvironmentConfiguration.PBMTE] {
                for type in 0..<4 as Range<UInt64> {
                    p.guest.hart[.menvcfg] = machine
                    p.guest.hart[.henvcfg] = own
                    p.reset()
                    p.own.map(va, to: gpa & ~0xFFF, PageTables.all | type << 61)
                    p.outer.map(gpa, to: p.leafOfGuestStage(0))
                    for (access, way) in Self.accesses { p.check(va, access, way, Status(), &failures, "menvcfg \(machine) henvcfg \(own) PBMT \(type)") }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// The G-stage's entry for the guest's own page tables, with every combination of its bits.
    @Test("implicit accesses: a guest's tables where the G-stage forbids them", arguments: [TranslationMode.sv39, .sv48, .sv57])
    func implicitAccesses(_ vs: TranslationMode) throws {
        let p = try Prober(vs, .sv48)
        var failures = Failures()
        let gpa = p.target(0), va = p.address(gpa, 0)
        for pattern in 0..<128 as Range<UInt64> {
            let bits = pattern & 0x1F | (pattern >> 5) << 6
            for hostMXR in [false, true] {
                p.reset()
                p.own.map(va, to: gpa & ~0xFFF)
                p.outer.map(gpa, to: p.leafOfGuestStage(0))
                p.outer.map(Guest.tables, to: Guest.tables, bits, level: 1)
                // Fetching the program itself would meet the same tables first.
                for (access, way) in Self.accesses where way != .directly {
                    p.check(va, access, way, Status(hostMXR: hostMXR), &failures, "\(vs) \(String(bits, radix: 2))")
                }
            }
        }
        // A table, or a root, where no RAM is; one beyond the G-stage's width.
        for table in [0x1000_0000, 0x1_0000_0000_0000, 0x80_0000_0000_0000] as [UInt64] {
            p.reset()
            p.guest[p.own.slot(va, level: vs.levels - 1)] = PageTables.entry(table, PTE.V)
            p.outer.map(0x1000_0000, to: 0x1000_0000)
            for (access, way) in Self.accesses where way != .directly { p.check(va, access, way, Status(), &failures, "table at \(hex(table))") }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("guest physical addresses have 41, 50 and 59 bits", arguments: [TranslationMode.sv39, .sv48, .sv57])
    func width(_ g: TranslationMode) throws {
        let bare = try Prober(.bare, g)
        var failures = Failures()
        let width = UInt64(14 + 9 * g.levels)
        let last: UInt64 = 1 << width - 4096
        bare.outer.map(last, to: Guest.data)
        for va in [last] + (width..<64).map({ last | 1 << $0 }) + [last & ~(1 << (width - 1)), last & ~(3 << (width - 2))] {
            for (access, way) in Self.accesses { bare.check(va, access, way, Status(), &failures, "\(g)") }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("a fetch that crosses into a page that the G-stage refuses faults at that page")
    func crossing() throws {
        let guest = try Guest.hypervisor()
        var outer = GuestPageTables(guest)
        outer.map(Guest.data, to: Guest.data)
        guest.hart[.hgatp] = outer.hgatp()
        guest.hart.fenceTranslations()
        var program = Program()
        program.half(0x0013)
        guest.load(program, at: Guest.data + 0xFFE)
        #expect(guest.run(from: Guest.data + 0xFFE, in: .vs) == .trap(cause: 20, value: Guest.data + 0x1000, pc: Guest.data + 0xFFE, mode: .supervisor))
        #expect(guest.hart[.mtval2] == (Guest.data + 0x1000) >> 2)
    }

    /// Svadu: henvcfg.ADUE (with menvcfg.ADUE) for the VS-stage, menvcfg.ADUE for the G-stage.
    @Test("A and D of both stages, by fault or by the hart")
    func updating() throws {
        let p = try Prober(.sv39, .sv39)
        let h = p.guest.hart
        let gpa = p.target(0), va = p.address(gpa, 0)
        let adue = EnvironmentConfiguration.ADUE
        for (store, way) in [(false, Way.byHypervisor), (true, .byHypervisor), (false, .byMachine), (true, .byMachine)] {
            for machine in [false, true] {
                for own in [false, true] {
                    for missing in ["VS", "G", "tables", "tables read-only"] {
                        h[.menvcfg] = machine ? adue : 0
                        h[.henvcfg] = own ? adue : 0
                        p.reset()
                        let unused = PTE.V | PTE.R | PTE.W
                        p.own.map(va, to: gpa & ~0xFFF, missing == "G" || missing == "tables" ? PageTables.all : unused)
                        p.outer.map(gpa, to: p.leafOfGuestStage(0), missing == "G" ? unused | PTE.U : GuestPageTables.all)
                        if missing == "tables" { p.outer.map(Guest.tables, to: Guest.tables, unused | PTE.U, level: 1) }
                        if missing == "tables read-only" { p.outer.map(Guest.tables, to: Guest.tables, PTE.V | PTE.R | PTE.A | PTE.U, level: 1) }
                        h[.vsatp] = p.vsatp
                        h[.hgatp] = p.hgatp
                        h[.mstatus] = way == .byMachine ? MStatus.MPRV | MStatus.MPV | 1 << MStatus.MPPShift : 0
                        h[.vsstatus] = 0
                        h[.hstatus] = HStatus.SPVP
                        h.fenceTranslations()
                        h.setX(6, va)
                        let outcome = p.guest.run(from: Guest.code + (way == .byHypervisor ? (store ? 28 : 20) : store ? 8 : 0), in: way == .byHypervisor ? .hs : .m)
                        let name = "store \(store) \(way) menvcfg \(machine) henvcfg \(own) \(missing): \(outcome)"
                        let used = PTE.A | (store ? PTE.D : 0)
                        let guestUpdates = machine && own
                        switch missing {
                        case "VS":
                            #expect(outcome.cause == (guestUpdates ? 3 : store ? 15 : 13), "\(name)")
                            #expect(p.guest[p.own.slot(va)] & 0xC0 == (guestUpdates ? used : 0), "\(name)")
                        case "G":
                            #expect(outcome.cause == (machine ? 3 : store ? 23 : 21), "\(name)")
                            #expect(p.guest[p.outer.slot(gpa)] & 0xC0 == (machine ? used : 0), "\(name)")
                            if !machine { #expect(h[.mtval2] == gpa >> 2 && h[.mtinst] & 1 == 1) }
                        case "tables":
                            // An implicit load needs A, whatever the access.
                            #expect(outcome.cause == (machine ? 3 : store ? 23 : 21), "\(name)")
                            #expect(p.guest[p.outer.slot(Guest.tables, level: 1)] & 0xC0 == (machine ? PTE.A : 0), "\(name)")
                            if !machine { #expect(h[.mtinst] == 0x3000, "\(name)") }
                        default:
                            // The write of A into the guest's table is refused: the only write pseudoinstruction.
                            #expect(outcome.cause == (guestUpdates ? (store ? 23 : 21) : store ? 15 : 13), "\(name)")
                            if guestUpdates { #expect(h[.mtinst] == 0x3020 && h[.mtval2] == p.own.slot(va) >> 2, "\(name)") }
                        }
                    }
                }
            }
        }
    }
}
