import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Page walker")
struct WalkTests {
    /// One access by a program in S or U, or in M through MPRV.
    ///
    /// Code lies in a page of its own that the mode may execute, so that only the access under test can fault.
    final class Prober {
        let guest: Guest
        var tables: PageTables
        let mode: TranslationMode
        static let codeVA: UInt64 = 0xFFFF_FFF0_0000_0000
        static let userCodeVA: UInt64 = 0xFFFF_FFF0_4000_0000

        init(_ mode: TranslationMode) throws {
            guest = try Guest()
            self.mode = mode
            tables = PageTables(guest, mode)
            var program = Program()
            program.emit(.ld, rd: 5, rs1: 6)
            program.emit(.ebreak)
            program.emit(.sd, rs1: 6, rs2: 7)
            program.emit(.ebreak)
            program.emit(.jalr, rd: 1, rs1: 6)
            guest.load(program, at: Guest.code)
            // What a fetch finds behind a translation: a page of ebreaks.
            tables.map(Self.codeVA, to: Guest.code)
            tables.map(Self.userCodeVA, to: Guest.code, PageTables.all | PTE.U)
        }

        var satp: UInt64 { tables.satp() }

        func probe(_ va: UInt64, _ access: WalkOracle.Access, user: Bool, mprv: Bool) -> Outcome {
            guest.hart[.satp] = satp
            guest.hart.fenceTranslations()
            guest.hart.setX(6, va)
            guest.hart.setX(7, 0x00100073_00100073)
            let offset: UInt64 = access == .load ? 0 : access == .store ? 8 : 16
            if mprv { return guest.run(from: Guest.code + offset) }
            return guest.run(from: (user ? Self.userCodeVA : Self.codeVA) + offset, in: user ? .user : .supervisor)
        }
    }

    private static func cause(_ access: WalkOracle.Access, page: Bool) -> Exception {
        switch access {
        case .load: page ? .loadPageFault : .loadAccessFault
        case .store: page ? .storePageFault : .storeAccessFault
        case .fetch: page ? .instructionPageFault : .instructionAccessFault
        }
    }

    /// Compares one probe with the oracle.
    private static func check(
        _ p: Prober, _ va: UInt64, _ access: WalkOracle.Access, user: Bool, mprv: Bool = false, sum: Bool = false, mxr: Bool = false,
        pbmte: Bool = true, _ failures: inout Failures, _ note: @autoclosure () -> String
    ) {
        let guest = p.guest
        let oracle = WalkOracle(
            levels: p.mode.levels, root: p.tables.root, pbmte: pbmte, sum: sum, mxr: mxr, user: user,
            memory: { address in
                guard address >= Guest.base, address < Guest.base + Guest.ramSize else { return nil }
                return guest[address]
            })
        guest.hart[.mstatus] =
            (sum ? MStatus.SUM : 0) | (mxr ? MStatus.MXR : 0)
            | (mprv ? MStatus.MPRV | (user ? 0 : 1) << MStatus.MPPShift : 0)
        var want = oracle.translate(va, access)
        // Memory that isn't there: an access fault for fetches, an exit for the others.
        let outcome: Outcome
        if case .success(let physical) = want, access != .store {
            if physical >= Guest.base, physical + 8 <= Guest.base + Guest.ramSize { guest[physical] = 0x00100073_00100073 }
        }
        outcome = p.probe(va, access, user: user, mprv: mprv)
        let codePage = mprv ? Guest.code : user ? Prober.userCodeVA : Prober.codeVA
        let pc = codePage + (access == .load ? 0 : access == .store ? 8 : 16)
        let mode: Privilege = mprv ? .machine : user ? .user : .supervisor
        let expected: Outcome
        switch want {
        case .success(let physical):
            let inRAM = physical >= Guest.base && physical + 8 <= Guest.base + Guest.ramSize
            switch access {
            case .fetch:
                expected = inRAM ? .exception(.breakpoint, va, va, mode) : .exception(.instructionAccessFault, va, va, mode)
            case .load where !inRAM: expected = .exit(.mmioRead(address: physical, width: 8))
            case .store where !inRAM: expected = .exit(.mmioWrite(address: physical, width: 8, value: 0x00100073_00100073))
            default:
                expected = .exception(.breakpoint, pc + 4, pc + 4, mode)
                if outcome == expected {
                    let found = access == .load ? guest.hart.x(5) : guest[physical]
                    failures.check(found == 0x00100073_00100073, "\(note()): not at \(hex(physical))")
                    guest[physical] = 0
                }
            }
        case .pageFault: expected = .exception(cause(access, page: true), va, access == .fetch ? va : pc, mode)
        case .accessFault: expected = .exception(cause(access, page: false), va, access == .fetch ? va : pc, mode)
        }
        want = oracle.translate(va, access)
        failures.check(outcome == expected, "\(note()) \(access) user \(user) mprv \(mprv) sum \(sum) mxr \(mxr): \(outcome), not \(expected)")
    }

    static let accesses: [WalkOracle.Access] = [.load, .store, .fetch]

    @Test("permissions × level × mode × SUM × MXR", arguments: [TranslationMode.sv39, .sv48, .sv57], [true, false])
    func permissions(_ mode: TranslationMode, user: Bool) throws {
        let p = try Prober(mode)
        var failures = Failures()
        let va: UInt64 = 0x2A_1234_5678 & ~7
        for level in 0..<mode.levels {
            let size: UInt64 = 1 << UInt64(12 + 9 * level)
            // A leaf whose page holds Guest.data: superpages begin at a multiple of their size, and the address
            // is chosen so that its offset in the page leads there, or (beyond 2 MiB) outside RAM.
            let base = Guest.data / size * size
            let inPage = level < 2 ? Guest.data % size : va % size
            let address = va / size * size + inPage + 0x340
            var bits: UInt64 = 0
            // V R W X U A D
            for pattern: UInt64 in 0..<128 {
                bits = pattern & 0x1F | (pattern >> 5) << 6
                var tables = PageTables(p.guest, mode)
                tables.map(Prober.codeVA, to: Guest.code)
                tables.map(Prober.userCodeVA, to: Guest.code, PageTables.all | PTE.U)
                tables.map(address, to: base, bits, level: level)
                p.tables = tables
                for access in Self.accesses {
                    for sum in [false, true] {
                        for mxr in [false, true] {
                            Self.check(
                                p, address, access, user: user, sum: sum, mxr: mxr, pbmte: false, &failures,
                                "level \(level) entry \(String(bits, radix: 2))")
                            if access == .fetch { continue }
                            Self.check(
                                p, address, access, user: user, mprv: true, sum: sum, mxr: mxr, pbmte: false, &failures,
                                "level \(level) entry \(String(bits, radix: 2))")
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// Entries of one level, whatever they are: reserved bits, N, PBMT, misaligned bases, pointers with A, D or
    /// U, pointers to nowhere.
    @Test("forms of entries", arguments: [TranslationMode.sv39, .sv48, .sv57], [true, false])
    func forms(_ mode: TranslationMode, pbmte: Bool) throws {
        let p = try Prober(mode)
        p.guest.hart[.menvcfg] = pbmte ? EnvironmentConfiguration.PBMTE : 0
        var failures = Failures()
        for level in 0..<mode.levels {
            let size: UInt64 = 1 << UInt64(12 + 9 * level)
            let base = Guest.data / size * size
            let address = 0x2A_0000_0000 / size * size + (level < 2 ? Guest.data % size : 0) + 0x340
            let leaf = PageTables.entry(base, PageTables.all)
            let user = leaf | PTE.U
            var entries: [UInt64] = [leaf, user, leaf | PTE.G, leaf | PTE.RSW]
            for bit in 54...63 as ClosedRange<UInt64> { entries.append(leaf | 1 << bit) }
            entries += [leaf | 3 << 61, leaf | 1 << 63 | 1 << 61]
            // NAPOT: the low four bits of the page number.
            for low in 0..<16 as Range<UInt64> {
                entries.append(PageTables.entry(Guest.data & ~0xFFFF | low << 12, PageTables.all | PTE.N))
            }
            // Bases that aren't multiples of the size.
            for bit in 0..<UInt64(9 * level) { entries.append(leaf ^ 1 << (10 + bit)) }
            // Pointers: to a table that has a leaf everywhere (a level further down) and with bits they may not have.
            let pointer = PageTables.entry(Guest.tables + 0x10_0000, PTE.V)
            for bits in [0, PTE.A, PTE.D, PTE.U, PTE.G, PTE.RSW, PTE.N, 1 << 61, 1 << 62, 1 << 54, PTE.W] { entries.append(pointer | bits) }
            // Tables and pages outside RAM, near and far.
            entries.append(PageTables.entry(0x1000_0000, PTE.V))
            entries.append(PageTables.entry(0xFFF_FFFF_F000, PTE.V))
            entries.append(PageTables.entry(0xFF_FFFF_FFFF_F000, PTE.V))
            entries.append(PageTables.entry(0x40_0000_0000 / size * size, PageTables.all))
            entries.append(PageTables.entry(0xFF_FFFF_FFFF_F000 / size * size, PageTables.all))
            for entry in entries {
                var tables = PageTables(p.guest, mode)
                tables.map(Prober.codeVA, to: Guest.code)
                tables.map(Prober.userCodeVA, to: Guest.code, PageTables.all | PTE.U)
                p.guest[tables.slot(address, level: level)] = entry
                if level > 0 {
                    let below: UInt64 = 1 << UInt64(12 + 9 * (level - 1))
                    let next = PageTables.entry(Guest.data / below * below, PageTables.all)
                    for i in 0..<512 as Range<UInt64> { p.guest[Guest.tables + 0x10_0000 + 8 * i] = next }
                }
                p.tables = tables
                for access in Self.accesses {
                    for user in [false, true] {
                        Self.check(p, address, access, user: user, pbmte: pbmte, &failures, "level \(level) entry \(hex(entry))")
                        // Elsewhere in the same 64 KiB.
                        Self.check(p, address ^ 0x5000, access, user: user, pbmte: pbmte, &failures, "level \(level) entry \(hex(entry))")
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("addresses have to be sign-extended", arguments: [TranslationMode.sv39, .sv48, .sv57])
    func canonical(_ mode: TranslationMode) throws {
        let p = try Prober(mode)
        let width = UInt64(12 + 9 * mode.levels)
        var failures = Failures()
        // The last page below the hole, the first above it, and neighbours of both.
        for va: UInt64 in [1 << (width - 1) - 4096, 0 &- 1 << (width - 1), 0 &- 4096] {
            p.tables.map(va, to: Guest.data)
            for flip in [0] + (width - 1..<64).map({ 1 << $0 as UInt64 }) + [~0 << width, ~0 << (width - 1)] {
                for access in Self.accesses {
                    Self.check(p, va ^ flip, access, user: false, &failures, "\(hex(va ^ flip))")
                    if access != .fetch { Self.check(p, va ^ flip, access, user: false, mprv: true, &failures, "\(hex(va ^ flip))") }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("a root table outside RAM is an access fault")
    func badRoot() throws {
        let p = try Prober(.sv39)
        for root: UInt64 in [0, 0x1000_0000 >> 12, 0xFFF_FFFF_FFFF] {
            p.guest.hart[.satp] = 8 << 60 | root
            p.guest.hart.fenceTranslations()
            p.guest.hart.setX(6, 0x1000)
            p.guest.hart[.mstatus] = MStatus.MPRV | 1 << MStatus.MPPShift
            #expect(p.guest.run() == .exception(.loadAccessFault, 0x1000, Guest.code))
            p.guest.hart[.mstatus] = MStatus.MPRV | 1 << MStatus.MPPShift
            #expect(p.guest.run(from: Guest.code + 8) == .exception(.storeAccessFault, 0x1000, Guest.code + 8))
            p.guest.hart[.mstatus] = 0
            #expect(p.guest.run(from: 0x1000, in: .supervisor) == .exception(.instructionAccessFault, 0x1000, 0x1000, .supervisor))
        }
    }

    @Test("MPRV lends M-mode the rules of MPP, and fetches never follow it")
    func modifyPrivilege() throws {
        let p = try Prober(.sv39)
        let g = p.guest
        p.tables.map(0x1000, to: Guest.data, PageTables.all)
        p.tables.map(0x2000, to: Guest.data + 0x1000, PageTables.all | PTE.U)
        g[Guest.data] = 11
        g[Guest.data + 0x1000] = 22
        g.hart[.satp] = p.satp
        for (mpp, va, want) in [
            (3, 0x1000, Outcome.exit(.mmioRead(address: 0x1000, width: 8))), (3, Guest.data, .exception(.breakpoint, Guest.code + 4, Guest.code + 4)),
            (1, 0x1000, .exception(.breakpoint, Guest.code + 4, Guest.code + 4)), (1, 0x2000, .exception(.loadPageFault, 0x2000, Guest.code)),
            (0, 0x1000, .exception(.loadPageFault, 0x1000, Guest.code)), (0, 0x2000, .exception(.breakpoint, Guest.code + 4, Guest.code + 4)),
        ] as [(UInt64, UInt64, Outcome)] {
            g.hart.fenceTranslations()
            g.hart[.mstatus] = MStatus.MPRV | mpp << MStatus.MPPShift
            g.hart.setX(6, va)
            #expect(g.run() == want, "MPP \(mpp) \(hex(va))")
        }
        // Without MPRV nothing of this.
        g.hart[.mstatus] = 0
        g.hart.setX(6, 0x2000)
        #expect(g.run() == .exit(.mmioRead(address: 0x2000, width: 8)))
    }
}
