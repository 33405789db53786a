import Devices
import Testing

/// Direct delivery mode: targets, priorities, thresholds and the IDC structures (AIA 1.0, section 4.8).
@Suite struct APLICDirectTests {
    /// A domain that delivers to every hart.
    func rig() throws -> APLICRig {
        let r = try APLICRig(messages: false)
        r.leaf.domaincfg = 0x100
        for hart in 0..<4 { r.leaf.idelivery(hart, 1) }
        return r
    }

    func target(_ hart: UInt32, _ priority: UInt32) -> UInt32 { hart << 18 | priority }

    @Test func claimOfAnEdge() throws {
        let r = try rig()
        r.leaf.set(up: 70, mode: .edge1, target: target(2, 5))
        #expect(r.leaf.claimi(2) == 0)
        r.raise(70)
        #expect(r.wires.map(\.level) == [false, false, true, false])
        #expect(r.leaf.topi(2) == 70 << 16 | 5)
        #expect(r.leaf.topi(2) == 70 << 16 | 5, "topi has no side effect")
        #expect(r.leaf.topi(1) == 0)
        #expect(r.leaf.claimi(1) == 0)
        #expect(r.leaf.claimi(2) == 70 << 16 | 5)
        #expect(!r.leaf.isPending(70))
        #expect(r.leaf.topi(2) == 0)
        #expect(r.wires[2].edges == [true, false])
        r.lower(70)
        r.raise(70)
        #expect(r.wires[2].edges == [true, false, true])
    }

    /// "The pending bit is not cleared by a claim of the interrupt at the APLIC"
    @Test func claimOfALevel() throws {
        let r = try rig()
        r.leaf.set(up: 70, mode: .level1, target: target(0, 5))
        r.raise(70)
        for _ in 0..<3 { #expect(r.leaf.claimi(0) == 70 << 16 | 5) }
        #expect(r.wires[0].level)
        r.lower(70)
        #expect(r.wires[0].edges == [true, false])
        #expect(r.leaf.claimi(0) == 0)
    }

    @Test func leastNumberThenLeastIdentity() throws {
        let r = try rig()
        for (source, priority): (Int, UInt32) in [(3, 255), (70, 1), (20, 9), (64, 9), (63, 9), (96, 1), (5, 254)] {
            r.leaf.set(up: source, mode: .edge1, target: target(1, priority))
            r.raise(source)
        }
        #expect((0..<8).map { _ in r.leaf.claimi(1) >> 16 } == [70, 96, 20, 63, 64, 5, 3, 0])
    }

    /// "When ithreshold is a nonzero value P, interrupt sources with priority numbers P and higher do not contribute"
    @Test func threshold() throws {
        let r = try rig()
        r.leaf.set(up: 4, mode: .edge1, target: target(3, 7))
        r.raise(4)
        for (threshold, isSignaled): (UInt32, Bool) in [(0, true), (7, false), (8, true), (6, false), (1, false), (255, true)] {
            r.leaf.ithreshold(3, threshold)
            #expect(r.wires[3].level == isSignaled, "threshold \(threshold)")
            #expect(r.leaf.topi(3) == (isSignaled ? 4 << 16 | 7 : 0))
        }
        r.leaf.ithreshold(3, 7)
        #expect(r.leaf.claimi(3) == 0)
        #expect(r.leaf.isPending(4), "what is masked can't be claimed")
        r.leaf.target(4, target(3, 6))
        #expect(r.wires[3].level)
    }

    /// "It has no effect on any other APLIC state, including ... topi, and claimi."
    @Test func enablesOfDomainAndDelivery() throws {
        let r = try rig()
        r.leaf.set(up: 4, mode: .edge1, target: target(3, 7))
        r.raise(4)
        #expect(r.wires[3].level)
        r.leaf.domaincfg = 0
        #expect(!r.wires[3].level)
        #expect(r.leaf.topi(3) == 4 << 16 | 7)
        r.leaf.domaincfg = 0x100
        #expect(r.wires[3].level)
        r.leaf.idelivery(3, 0)
        #expect(!r.wires[3].level)
        #expect(r.leaf.claimi(3) == 4 << 16 | 7)
        r.leaf.idelivery(3, 1)
        #expect(!r.wires[3].level)
    }

    @Test func enableBits() throws {
        let r = try rig()
        r.leaf.sourcecfg(33, 6)
        r.leaf.target(33, target(0, 1))
        r.raise(33)
        #expect(r.leaf.isPending(33))
        #expect(!r.wires[0].level)
        r.leaf.put(0x1E04, 2)
        #expect(r.wires[0].level)
        r.leaf.put(0x1F04, 2)
        #expect(!r.wires[0].level)
        r.leaf.setienum(33)
        #expect(r.wires[0].level)
        r.leaf.clrienum(33)
        #expect(r.wires[0].edges == [true, false, true, false])
    }

    @Test func forced() throws {
        let r = try rig()
        r.leaf.iforce(2, 1)
        #expect(r.wires.map(\.level) == [false, false, true, false])
        #expect(r.leaf.topi(2) == 0)
        #expect(r.leaf.iforce(2) == 1)
        #expect(r.leaf.claimi(2) == 0, "a spurious interrupt")
        #expect(r.leaf.iforce(2) == 0, "and the claim ends it")
        #expect(!r.wires[2].level)
        r.leaf.iforce(2, 1)
        r.leaf.set(up: 4, mode: .edge1, target: target(2, 1))
        r.raise(4)
        #expect(r.leaf.claimi(2) == 4 << 16 | 1)
        #expect(r.leaf.iforce(2) == 1, "only a claim of nothing ends it")
        #expect(r.wires[2].level)
        r.leaf.idelivery(2, 0)
        #expect(!r.wires[2].level)
        r.leaf.idelivery(2, 1)
        r.leaf.domaincfg = 0
        #expect(!r.wires[2].level)
        r.leaf.domaincfg = 0x100
        r.leaf.iforce(2, 0)
        #expect(!r.wires[2].level)
    }

    @Test func anotherTarget() throws {
        let r = try rig()
        r.leaf.set(up: 4, mode: .level1, target: target(0, 1))
        r.raise(4)
        r.leaf.target(4, target(3, 1))
        #expect(r.wires.map(\.level) == [false, false, false, true])
        #expect(r.leaf.topi(0) == 0)
        // A hart index that no hart has.
        r.leaf.target(4, target(4, 1))
        #expect(r.wires.allSatisfy { !$0.level })
        r.leaf.target(4, target(0x3FFF, 1))
        #expect(r.wires.allSatisfy { !$0.level })
        r.leaf.target(4, target(0, 9))
        #expect(r.wires.map(\.level) == [true, false, false, false])
        r.leaf.target(4, target(0, 8))
        #expect(r.wires[0].edges == [true, false, true], "another priority isn't another interrupt")
    }

    @Test func modesChangeUnderAPendingInterrupt() throws {
        let r = try rig()
        r.leaf.set(up: 4, mode: .level1, target: target(0, 1))
        r.raise(4)
        r.leaf.sourcecfg(4, 0)
        #expect(!r.wires[0].level)
        r.leaf.set(up: 4, mode: .level0, target: target(0, 1))
        #expect(!r.wires[0].level)
        r.lower(4)
        #expect(r.wires[0].level)
    }

    @Test func repeatedLevelsAreQuiet() throws {
        let r = try rig()
        r.leaf.set(up: 6, mode: .level1, target: target(1, 1))
        let before = r.wires[1].calls
        for _ in 0..<10 { r.raise(6) }
        r.aplic.line(source: 6)?.set(true)
        #expect(r.wires[1].calls == before + 1)
        for _ in 0..<10 { r.lower(6) }
        #expect(r.wires[1].calls == before + 2)
    }

    @Test func lastOf64Harts() throws {
        let r = try APLICRig(messages: false, harts: 64)
        r.leaf.domaincfg = 0x100
        r.leaf.idelivery(63, 1)
        r.leaf.set(up: 96, mode: .edge0, target: target(63, 255))
        r.raise(96)
        r.lower(96)
        #expect(r.wires.dropLast().allSatisfy { !$0.level })
        #expect(r.wires[63].level)
        #expect(r.leaf.get(0x4000 + 63 * 32 + 0x1C) == 96 << 16 | 255)
    }
}
