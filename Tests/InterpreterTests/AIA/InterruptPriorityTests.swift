import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// mtopi, stopi, vstopi and the interrupt that is taken (AIA 1.0, chapters "Interrupts for Machine and Supervisor Levels"
/// and "Interrupts for Virtual Machines").
@Suite("The AIA's priorities")
struct InterruptPriorityTests {
    /// Runs into the pending interrupt from the mode below its own, and tells by which cause it was taken.
    private static func taken(_ guest: Guest, _ level: FileLevel) -> UInt64? {
        let h = guest.hart
        switch level {
        case .machine:
            guard case .trap(let cause, 0, Guest.code, _) = guest.run(in: .u) else { return nil }
            return cause & ~(1 << 63)
        case .supervisor:
            guard guest.run(in: .u).cause == Exception.ecallFromS.rawValue, h[.sepc] == Guest.code else { return nil }
            return h[.scause] & ~(1 << 63)
        case .guest:
            guard guest.run(in: .vu).cause == Exception.ecallFromVS.rawValue, h[.vsepc] == Guest.code else { return nil }
            return h[.vscause] & ~(1 << 63)
        }
    }

    @Test("every pair in default order, at each level", arguments: [true, false])
    func pairs(hasFiles: Bool) throws {
        let guest = try Guest.aia(imsic: hasFiles ? .test : nil)
        let h = guest.hart
        var failures = Failures()
        guest.load(.end)

        // Machine level: what isn't delegated. MEI, SEI and SGEI need a source; the wires are the test's.
        let machine: [UInt64] = [11, 3, 7, 9, 1, 5, 13]
        for (i, one) in machine.enumerated() {
            for other in machine[i...] {
                h[.mideleg] = 0
                let bits = [one, other].bits
                h[.mie] = bits
                h.setPending(0x2AAA, false)
                h.setPending(bits, true)
                let name = "M: \(one) and \(other)"
                // Without priority numbers to tell, IPRIO is 1. With them MEI, which no file signals, has a number
                // beyond 255, and what comes after it has none: both show as 255.
                failures.check(h[.mtopi] == one << 16 | (hasFiles ? 255 : 1), "\(name): \(hex(h[.mtopi]))")
                failures.check(Self.taken(guest, .machine) == one, name)
            }
        }
        h.setPending(0x2AAA, false)

        // Supervisor level: real ones, and virtual ones by mvien.
        let virtual = AIAOrder.above + [13] + AIAOrder.below
        let supervisor = AIAOrder.above + [9, 1, 5] + [10, 2, 6, 13] + AIAOrder.below
        h[.mideleg] = 0x222
        h[.mvien] = virtual.bits
        for (i, one) in supervisor.enumerated() {
            for other in supervisor[i...] {
                let bits = [one, other].bits
                h[.sie] = bits
                h[.hie] = bits
                h.setPending(0x222, false)
                h.setPending(bits & 0x222, true)
                h[.mvip] = bits
                h[.hvip] = bits & 0x444
                let name = "S: \(one) and \(other)"
                let shown: UInt64 = hasFiles ? (AIAOrder.above.contains(one) ? 0 : 255) : 1
                failures.check(h[.stopi] == one << 16 | shown, "\(name): \(hex(h[.stopi]))")
                failures.check(Self.taken(guest, .supervisor) == one, name)
            }
        }
        h.setPending(0x222, false)
        h[.mvip] = 0
        h[.hvip] = 0
        h[.sie] = 0

        // VS level: VS interrupts as 9, 1 and 5, virtual ones by hvien.
        let own = AIAOrder.above + [9, 1, 5, 13] + AIAOrder.below
        h[.hideleg] = 0x444
        h[.hvien] = virtual.bits
        for iprio in [false, true] {
            h[.hvictl] = iprio ? 1 << 8 : 0
            for (i, one) in own.enumerated() {
                for other in own[i...] {
                    let bits = [one, other].bits
                    h[.vsie] = bits
                    h[.hvip] = bits & ~0x1FFF | (bits & 0x222) << 1
                    let name = "VS: \(one) and \(other)"
                    let shown: UInt64 = iprio ? (AIAOrder.above.contains(one) ? 0 : 255) : 1
                    failures.check(h[.vstopi] == one << 16 | shown, "\(name): \(hex(h[.vstopi]))")
                    failures.check(Self.taken(guest, .guest) == one, name)
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("a more privileged mode's interrupt comes first, whatever its number")
    func levels() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        guest.load(.end)
        h[.mideleg] = 0x222
        h[.hideleg] = 0x444
        h[.mvien] = 1 << 43
        h[.hvien] = 1 << 47
        h[.mie] = 0x2080
        h[.sie] = 1 << 43
        h[.vsie] = 1 << 47
        h.setPending(1 << 13, true)
        h[.mvip] = 1 << 43
        h[.hvip] = 1 << 47
        #expect(h[.mtopi] >> 16 == 13 && h[.stopi] >> 16 == 43 && h[.vstopi] >> 16 == 47)
        #expect(guest.run(in: .vu).cause == Interrupt.causeBit | 13)
        h.setPending(1 << 13, false)
        #expect(guest.run(in: .vu).cause == 9 && h[.scause] == 1 << 63 | 43)
        h[.mvip] = 0
        #expect(guest.run(in: .vu).cause == 10 && h[.vscause] == 1 << 63 | 47)
        // Not affected by the enables of the status registers, which the traps are.
        h[.mvip] = 1 << 43
        #expect(guest.run(in: .m).isBreakpoint && h[.stopi] >> 16 == 43)
        h[.sie] = 0
        #expect(guest.run(in: .vs).isBreakpoint && h[.vstopi] >> 16 == 47)
        h[.vsstatus] = MStatus.SIE
        #expect(guest.run(in: .vs).cause == 10)
        #expect(guest.run(in: .hs).isBreakpoint)
    }

    /// Random sets with random priority numbers, against the tables.
    @Test("priority numbers", arguments: 0..<4)
    func numbers(_ seed: Int) throws {
        let setup = IMSICSetup(
            supervisorBase: 0x2800_0000, supervisorStride: 0x8000, machineBase: 0x2400_0000, guestFiles: 7, identities: 511)
        let guest = try Guest.aia(imsic: setup)
        let h = guest.hart
        var random = Random(UInt64(seed) + 77)
        var failures = Failures()
        guest.load(.end)
        for level in FileLevel.allCases { h.open(level) }
        h.selectGuest(1)
        h.open(.guest)
        let few: [UInt64] = [0, 0, 1, 2, 3, 100, 254, 255]
        func number(_ random: inout Random) -> UInt64 {
            random.below(2) == 0 ? few[Int(random.below(UInt64(few.count)))] : random.below(256)
        }
        let identities: [UInt64] = [1, 2, 3, 100, 254, 255, 256, 300, 511]
        func subset(_ of: [UInt64], _ random: inout Random) -> [UInt64] {
            let odds = 1 + random.below(4)
            return of.filter { _ in random.below(5) < odds }
        }
        /// Makes a file's signal high with an identity, or low.
        func signal(_ level: FileLevel, _ page: UInt64, _ random: inout Random) -> UInt64? {
            while h[level.top] != 0 { h[level.top] = 0 }
            if random.below(4) == 0 { return nil }
            let identity = identities[Int(random.below(UInt64(identities.count)))]
            failures.check(guest.msi(page, UInt32(identity)), "no file")
            return identity
        }
        for round in 0..<800 {
            h[.mie] = 0
            h[.mvip] = 0
            h[.hvip] = 0
            h.setPending(0x2AAA, false)
            let name = "round \(round) of \(seed)"
            switch round % 3 {
            case 0:
                h[.mideleg] = 0
                h[.hideleg] = 0
                let identity = signal(.machine, setup.page(.machine), &random)
                var oracle = TopOracle(external: 11, externalPriority: identity ?? 256)
                for k in 0..<2 as Range<UInt64> {
                    var value: UInt64 = 0
                    for i in 0..<8 as Range<UInt64> {
                        let p = number(&random)
                        value |= p << (8 * i)
                        oracle.priorities[k * 8 + i] = p
                    }
                    h[.machine, 0x30 + 2 * k] = value
                }
                var set = subset([3, 7, 9, 1, 5, 13], &random)
                h.setPending(set.bits, true)
                // SEI may come from S-mode's file as well; where it goes is mideleg's.
                h[.mie] = ~0
                if identity != nil { set.append(11) }
                if h[.mip] & 0x200 != 0, !set.contains(9) { set.append(9) }
                let want = oracle.top(set)
                failures.check(h[.mtopi] == want, "\(name): mtopi \(hex(h[.mtopi])), not \(hex(want)) of \(set) \(oracle)")
                if want != 0 { failures.check(Self.taken(guest, .machine) == want >> 16, "\(name): \(set) \(oracle)") }
            case 1:
                h[.mideleg] = 0x2222
                h[.hideleg] = 0
                let virtual: [UInt64] = [47, 43, 40, 35, 16, 21]
                h[.mvien] = virtual.bits
                let identity = signal(.supervisor, setup.page(.supervisor), &random)
                var oracle = TopOracle(external: 9, externalPriority: identity ?? 256)
                for k in 0..<8 as Range<UInt64> {
                    var value: UInt64 = 0
                    for i in 0..<8 as Range<UInt64> {
                        let p = number(&random)
                        value |= p << (8 * i)
                        oracle.priorities[k * 8 + i] = p
                    }
                    h[.supervisor, 0x30 + 2 * k] = value
                }
                var set = subset([1, 5, 13, 10, 2, 6] + virtual, &random)
                // mip.SEIP by software, with no interrupt from the controller: 256.
                let software = random.below(3) == 0
                h.setPending(set.bits & 0x2022, true)
                h[.mip] = set.bits & 0x2022 | (software ? 0x200 : 0)
                h[.hvip] = set.bits & 0x444
                h[.mvip] = set.bits & virtual.bits | (software ? 0x200 : 0) | set.bits & 0x22
                h[.sie] = ~0
                h[.hie] = 0x444
                h[.guest, 0x70] = 0
                if identity != nil || software { set.append(9) }
                let want = oracle.top(set)
                failures.check(h[.stopi] == want, "\(name): stopi \(hex(h[.stopi])), not \(hex(want)) of \(set) \(oracle)")
                if want != 0 { failures.check(Self.taken(guest, .supervisor) == want >> 16, "\(name): \(set) \(oracle)") }
                h[.mip] = 0
                h[.guest, 0x70] = 1
            default:
                h[.mideleg] = 0
                h[.mvien] = 0
                h[.hideleg] = 0x444
                let virtual: [UInt64] = [47, 43, 40, 35, 32, 13, 16, 21, 23]
                h[.hvien] = virtual.bits
                let identity = signal(.guest, setup.page(.guest), &random)
                var oracle = TopOracle(external: 9, externalPriority: identity ?? 256)
                func byte(_ n: UInt64, at shift: UInt64) -> UInt64 {
                    let p = number(&random)
                    oracle.priorities[n] = p
                    return p << shift
                }
                h[.hviprio1] = byte(1, at: 8) | byte(5, at: 24) | byte(13, at: 40)
                h[.hviprio2] = (0..<8).reduce(0) { $0 | byte(16 + UInt64($1), at: UInt64($1) * 8) }
                var set = subset([1, 5] + virtual, &random)
                let software = random.below(3) == 0
                h[.hvip] = set.bits & virtual.bits | (set.bits & 0x22) << 1 | (software ? 0x400 : 0)
                h[.vsie] = ~0
                h[.hvictl] = 1 << 8
                if identity != nil || software { set.append(9) }
                let want = oracle.top(set)
                failures.check(h[.vstopi] == want, "\(name): vstopi \(hex(h[.vstopi])), not \(hex(want)) of \(set) \(oracle)")
                // "If bit IPRIOM of hvictl is zero, IPRIO in vstopi is 1"
                h[.hvictl] = 0
                failures.check(h[.vstopi] == (want == 0 ? 0 : want & ~0xFFFF | 1), "\(name): without IPRIOM")
                if want != 0 { failures.check(Self.taken(guest, .guest) == want >> 16, "\(name): \(set) \(oracle)") }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// vstopi's list of candidates, with hvictl's.
    @Test("hvictl", arguments: 0..<2)
    func control(_ seed: Int) throws {
        let guest = try Guest.aia()
        let h = guest.hart
        var random = Random(UInt64(seed) + 99)
        var failures = Failures()
        guest.load(.end)
        h[.hideleg] = 0x444
        for g in 1...2 as ClosedRange<UInt64> {
            h.selectGuest(g)
            h.open(.guest)
        }
        let priorities: [UInt64] = [0, 1, 5, 100, 255]
        for _ in 0..<4000 {
            let vti = random.below(4) != 0
            let iid: UInt64 = [0, 1, 5, 9, 9, 13, 35, 47, 63, 64, 2048, 4095][Int(random.below(12))]
            let dpr = random.below(2) == 1, ipriom = random.below(2) == 1
            let iprio = priorities[Int(random.below(5))]
            let vgein = random.below(3)
            h.selectGuest(1)
            while h[.vstopei] != 0 { h[.vstopei] = 0 }
            h.selectGuest(vgein)
            let identity = [0, 5, 100][Int(random.below(3))] as UInt64
            if identity != 0 { failures.check(guest.msi(IMSICSetup.test.page(.guest), UInt32(identity)), "no file") }
            let vseip = random.below(2) == 1, enabled = random.below(4) != 0, timer = random.below(2) == 1
            h[.hvip] = (vseip ? 0x400 : 0) | (timer ? 0x40 : 0)
            h[.vsie] = (enabled ? 0x200 : 0) | 0x20
            let timerPriority = priorities[Int(random.below(5))]
            h[.hviprio1] = timerPriority << 24
            h[.hvictl] = (vti ? 1 << 30 : 0) | iid << 16 | (dpr ? 1 << 9 : 0) | (ipriom ? 1 << 8 : 0) | iprio

            // Number, priority number, whether the default order puts it before SEI, whether it is the SEI.
            var candidates: [(UInt64, UInt64, Bool, Bool)] = []
            let top = vgein == 1 ? identity : 0
            if enabled, vseip || top != 0 {
                if vgein != 0, top != 0 {
                    candidates.append((9, top, false, true))
                } else if vgein == 0, iid == 9, iprio != 0 {
                    candidates.append((9, iprio, false, true))
                } else {
                    candidates.append((9, 256, false, true))
                }
            }
            if !vti {
                if timer { candidates.append((5, timerPriority, false, false)) }
            } else if iid != 9 {
                candidates.append((iid, iprio, !dpr, false))
            }
            func row(_ c: (UInt64, UInt64, Bool, Bool)) -> UInt64 { c.1 != 0 ? c.1 : c.2 ? 0 : .max }
            func order(_ c: (UInt64, UInt64, Bool, Bool)) -> Int { c.3 ? 1 : c.2 ? 0 : 2 }
            var want: UInt64 = 0
            if let first = candidates.min(by: { (row($0), order($0)) < (row($1), order($1)) }) {
                let shown = first.1 == 0 ? (first.2 ? 0 : 255) : min(first.1, 255)
                want = first.0 << 16 | (ipriom ? shown : 1)
            }
            let name = "vti \(vti) iid \(iid) dpr \(dpr) ipriom \(ipriom) iprio \(iprio) vgein \(vgein) identity \(identity) vseip \(vseip) enabled \(enabled) timer \(timer) \(timerPriority)"
            failures.check(h[.vstopi] == want, "\(name): \(hex(h[.vstopi])), not \(hex(want))")
            // "an interrupt is pending at VS level if and only if vstopi is not zero"
            let open = random.below(2) == 0
            h[.vsstatus] = open ? MStatus.SIE : 0
            let taken = guest.run(in: .vs).cause
            if want != 0, open {
                failures.check(taken == 10 && h[.vscause] == 1 << 63 | want >> 16, "\(name): \(taken ?? 0) \(hex(h[.vscause]))")
            } else {
                failures.check(taken == 3, "\(name): taken")
            }
            // "Register hvictl has no effect on any of mip, sip, hip, or vsip"
            failures.check(h[.vsip] == (vseip || top != 0 ? 0x200 : 0) | (timer ? 0x20 : 0), "\(name): vsip")
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// "execution must resume from a WFI whenever an interrupt is pending at any privilege level".
    @Test("WFI ends for what mip doesn't show")
    func waiting() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        // A kick ends a WFI as well, so the hart has to come through more often than there are kicks.
        var program = Program()
        program.emit(.addi, rd: 5, imm: 1000)
        program.emit(.wfi)
        program.emit(.addi, rd: 5, rs1: 5, imm: -1)
        program.loop(.bne, rs1: 5, to: 4)
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run(kicks: 4) == .endless)
        h[.mvien] = 1 << 43
        h[.mvip] = 1 << 43
        #expect(guest.run(kicks: 4) == .endless)
        h[.sie] = 1 << 43
        #expect(guest.run().isBreakpoint)
        h[.sie] = 0
        h[.hvien] = 1 << 20
        h[.hvip] = 1 << 20
        #expect(guest.run(kicks: 4) == .endless)
        h[.vsie] = 1 << 20
        #expect(guest.run().isBreakpoint)
        h[.vsie] = 0
        h[.hvictl] = 1 << 30 | 9 << 16
        #expect(guest.run(kicks: 4) == .endless)
        h[.hvictl] = 1 << 30 | 1 << 16
        #expect(guest.run().isBreakpoint)
        // With VTI set, what vsip and vsie have in common isn't pending.
        h[.hideleg] = 0x444
        h[.hvip] = 0x40
        h[.vsie] = 0x20
        h[.hvictl] = 0
        #expect(guest.run().isBreakpoint)
        h[.hvictl] = 1 << 30 | 9 << 16
        #expect(guest.run(kicks: 4) == .endless)
    }

    /// A write that makes a virtual interrupt pending takes effect before the next instruction.
    @Test("virtual interrupts are taken at once")
    func atOnce() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        h[.mvien] = 1 << 43 | 1 << 1
        h[.sie] = 1 << 43 | 1 << 1
        h[.mstatus] = MStatus.SIE
        var program = Program()
        program.emit(.csrrsi, rs1: 2, imm: Int32(CSR.sip.rawValue))
        program.nop()
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run(in: .hs).cause == 9 && h[.scause] == 1 << 63 | 1 && h[.sepc] == Guest.code + 4)
        #expect(h[.mip] == 0 && h[.mvip] == 2)
    }
}
