import Devices
import Testing

/// A PLIC with `contexts` wired contexts. Offsets are those of the PLIC specification's memory map.
final class Controller {
    let wires: [FakeLine]
    let plic: PLIC
    private(set) var sources: [any InterruptLine] = []

    init(contexts: Int = 4) {
        wires = (0..<contexts).map { _ in FakeLine() }
        plic = PLIC(wires: wires)
        for source in 1...95 { if let line = plic.line(source: source) { sources.append(line) } }
    }

    func get(_ offset: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: plic.read(offset: offset, width: 4)) }
    func put(_ offset: UInt64, _ value: UInt32) { plic.write(offset: offset, width: 4, value: UInt64(value)) }

    func raise(_ source: Int) { sources[source - 1].set(true) }
    func lower(_ source: Int) { sources[source - 1].set(false) }
    func priority(_ source: Int, _ value: UInt32) { put(UInt64(4 * source), value) }
    func threshold(_ context: Int, _ value: UInt32) { put(0x20_0000 + 0x1000 * UInt64(context), value) }
    func claim(_ context: Int) -> Int { Int(get(0x20_0004 + 0x1000 * UInt64(context))) }
    func complete(_ context: Int, _ id: UInt32) { put(0x20_0004 + 0x1000 * UInt64(context), id) }
    func isPending(_ source: Int) -> Bool { get(0x1000 + 4 * UInt64(source / 32)) >> UInt32(source % 32) & 1 == 1 }
    func enable(_ context: Int, _ source: Int, _ on: Bool = true) {
        let offset = 0x2000 + 0x80 * UInt64(context) + 4 * UInt64(source / 32)
        let bit: UInt32 = 1 << UInt32(source % 32)
        put(offset, on ? get(offset) | bit : get(offset) & ~bit)
    }
    /// Source with priority 1, enabled in one context.
    func set(up source: Int, context: Int = 1, priority: UInt32 = 1) {
        self.priority(source, priority)
        enable(context, source)
    }
}

@Suite struct PLICRegisterTests {
    @Test func priorities() {
        let c = Controller()
        for source in 1...95 {
            #expect(c.get(UInt64(4 * source)) == 0)
            c.priority(source, UInt32(source % 8))
        }
        for source in 1...95 { #expect(c.get(UInt64(4 * source)) == UInt32(source % 8)) }
        c.priority(1, 0xFFFF_FFFF)
        #expect(c.get(4) == 7)
        c.priority(1, 8)
        #expect(c.get(4) == 0)
        c.put(0, 7)
        #expect(c.get(0) == 0, "source 0 doesn't exist")
        c.priority(96, 7)
        #expect(c.get(4 * 96) == 0, "nor does 96")
    }

    @Test func thresholds() {
        let c = Controller()
        for context in 0..<4 {
            #expect(c.get(0x20_0000 + 0x1000 * UInt64(context)) == 0)
            c.threshold(context, UInt32(context) + 0xFFFF_FF04)
        }
        for context in 0..<4 { #expect(c.get(0x20_0000 + 0x1000 * UInt64(context)) == UInt32(context) + 4) }
        c.threshold(4, 7)
        #expect(c.get(0x20_4000) == 0)
    }

    @Test func enables() {
        let c = Controller()
        for context: UInt64 in 0..<4 {
            for word: UInt64 in 0..<32 { c.put(0x2000 + 0x80 * context + 4 * word, 0xFFFF_FFFF) }
            #expect(c.get(0x2000 + 0x80 * context) == 0xFFFF_FFFE, "source 0 stays off")
            #expect(c.get(0x2004 + 0x80 * context) == 0xFFFF_FFFF)
            #expect(c.get(0x2008 + 0x80 * context) == 0xFFFF_FFFF)
            for word: UInt64 in 3..<32 { #expect(c.get(0x2000 + 0x80 * context + 4 * word) == 0) }
        }
        c.put(0x2004 + 0x80, 0x8000_0001)
        #expect(c.get(0x2004 + 0x80) == 0x8000_0001)
        #expect(c.get(0x2004) == 0xFFFF_FFFF, "contexts are apart")
        c.put(0x2000 + 0x80 * 4, 0xFFFF_FFFF)
        #expect(c.get(0x2000 + 0x80 * 4) == 0)
    }

    @Test func pendingIsReadOnly() {
        let c = Controller()
        for source in [1, 31, 32, 63, 64, 95] {
            c.raise(source)
            #expect(c.isPending(source))
        }
        #expect(c.get(0x1000) == 0x8000_0002)
        #expect(c.get(0x1004) == 0x8000_0001)
        #expect(c.get(0x1008) == 0x8000_0001)
        #expect(c.get(0x100C) == 0)
        c.put(0x1000, 0)
        c.put(0x1004, 0xFFFF_FFFF)
        #expect(c.get(0x1000) == 0x8000_0002)
        #expect(c.get(0x1004) == 0x8000_0001)
        #expect(c.plic.read(offset: 0x1000, width: 8) == 0x8000_0001_8000_0002)
    }

    @Test func linesExistFor1To95() {
        let plic = PLIC(wires: [])
        #expect(plic.line(source: 0) == nil)
        #expect(plic.line(source: 96) == nil)
        #expect(plic.line(source: -1) == nil)
        #expect(plic.line(source: .max) == nil)
        #expect(plic.line(source: 1) != nil)
        #expect(plic.line(source: 95) != nil)
    }

    @Test func narrowAndMisalignedAccessesHaveNoEffect() {
        let c = Controller()
        c.set(up: 5)
        c.raise(5)
        #expect(c.plic.read(offset: 0x20_1004, width: 1) == 0)
        #expect(c.plic.read(offset: 0x20_1004, width: 2) == 0)
        #expect(c.plic.read(offset: 0x20_1004, width: 8) == 0)
        #expect(c.plic.read(offset: 0x20_1002, width: 4) == 0)
        #expect(c.isPending(5))
        #expect(c.plic.read(offset: 0x20_1000, width: 8) == 5 << 32, "threshold and claim")
        #expect(!c.isPending(5))
    }

    @Test func reservedRegisters() {
        let c = Controller()
        for offset: UInt64 in [0x1080, 0x1FFC, 0x1F_2000, 0x1F_FFFC, 0x20_0008, 0x20_0FFC, 0x5F_FFFC, 0x400_0000, ~3] {
            c.put(offset, 0xFFFF_FFFF)
            #expect(c.get(offset) == 0)
        }
    }

    /// 64 harts, the last context of machine rvkvm-1.0.
    @Test func lastOf128Contexts() {
        let c = Controller(contexts: 128)
        c.set(up: 95, context: 127)
        c.raise(95)
        #expect(c.wires[127].level)
        #expect(c.wires.dropLast().allSatisfy { !$0.level })
        #expect(c.claim(126) == 0)
        #expect(c.claim(127) == 95)
        #expect(c.wires[127].level == false)
    }
}

@Suite struct PLICBehaviourTests {
    @Test func claimAndComplete() {
        let c = Controller()
        c.set(up: 10)
        #expect(c.claim(1) == 0)
        c.raise(10)
        #expect(c.wires[1].level)
        #expect(c.claim(1) == 10)
        #expect(c.wires[1].level == false)
        #expect(!c.isPending(10))
        #expect(c.claim(1) == 0)
        c.lower(10)
        c.complete(1, 10)
        #expect(c.wires[1].level == false)
        #expect(!c.isPending(10))
        c.raise(10)
        #expect(c.claim(1) == 10)
    }

    @Test func stillAssertedAtCompletionPendsAgain() {
        let c = Controller()
        c.set(up: 10)
        c.raise(10)
        _ = c.claim(1)
        #expect(c.wires[1].level == false)
        c.complete(1, 10)
        #expect(c.isPending(10))
        #expect(c.wires[1].level)
        #expect(c.wires[1].edges == [true, false, true])
    }

    @Test func claimedSourceDoesNotPend() {
        let c = Controller()
        c.set(up: 10)
        c.raise(10)
        _ = c.claim(1)
        c.lower(10)
        c.raise(10)
        #expect(!c.isPending(10))
        #expect(c.claim(1) == 0)
        c.complete(1, 10)
        #expect(c.isPending(10))
    }

    /// "The gateway does not have the facility to retract an interrupt request once forwarded."
    @Test func requestIsNotRetracted() {
        let c = Controller()
        c.set(up: 10)
        c.raise(10)
        c.lower(10)
        #expect(c.isPending(10))
        #expect(c.wires[1].level)
        #expect(c.claim(1) == 10)
        c.complete(1, 10)
        #expect(!c.isPending(10))
    }

    @Test func highestPriorityThenLowestID() {
        let c = Controller()
        for (source, priority): (Int, UInt32) in [(3, 1), (70, 7), (20, 5), (64, 5), (63, 5), (95, 7)] {
            c.set(up: source, priority: priority)
            c.raise(source)
        }
        #expect((0..<7).map { _ in c.claim(1) } == [70, 95, 20, 63, 64, 3, 0])
    }

    @Test func priorityZeroNeverInterrupts() {
        let c = Controller()
        c.set(up: 4, priority: 0)
        c.raise(4)
        #expect(c.isPending(4))
        #expect(c.wires[1].level == false)
        #expect(c.claim(1) == 0)
        c.priority(4, 1)
        #expect(c.wires[1].level)
        c.priority(4, 0)
        #expect(c.wires[1].level == false)
        c.priority(4, 7)
        #expect(c.claim(1) == 4)
    }

    @Test func thresholdMasksNotificationOnly() {
        let c = Controller()
        c.set(up: 4, priority: 3)
        c.threshold(1, 3)
        c.raise(4)
        #expect(c.wires[1].level == false, "priority has to exceed the threshold")
        c.threshold(1, 2)
        #expect(c.wires[1].level)
        c.threshold(1, 7)
        #expect(c.wires[1].level == false)
        #expect(c.claim(1) == 4, "a claim doesn't look at the threshold")
    }

    @Test func enableMasks() {
        let c = Controller()
        c.priority(33, 1)
        c.raise(33)
        #expect(c.isPending(33), "IP doesn't depend on IE")
        #expect(c.wires.allSatisfy { !$0.level })
        #expect(c.claim(1) == 0)
        c.enable(1, 33)
        #expect(c.wires[1].level)
        c.enable(1, 33, false)
        #expect(c.wires[1].level == false)
        #expect(c.claim(1) == 0)
    }

    @Test func multicastToAllWhoEnable() {
        let c = Controller()
        c.priority(8, 2)
        for context in [0, 1, 3] { c.enable(context, 8) }
        c.threshold(3, 2)
        c.raise(8)
        #expect(c.wires.map(\.level) == [true, true, false, false])
        #expect(c.claim(1) == 8)
        #expect(c.wires.map(\.level) == [false, false, false, false])
        #expect(c.claim(0) == 0)
    }

    @Test func claimLeavesTheWireUpForTheNext() {
        let c = Controller()
        c.set(up: 1)
        c.set(up: 2)
        c.raise(1)
        c.raise(2)
        #expect(c.claim(1) == 1)
        #expect(c.wires[1].level)
        #expect(c.claim(1) == 2)
        #expect(c.wires[1].edges == [true, false])
    }

    @Test func completionByAnotherContext() {
        let c = Controller()
        c.set(up: 6, context: 1)
        c.raise(6)
        _ = c.claim(1)
        c.complete(3, 6)
        #expect(!c.isPending(6), "context 3 doesn't enable it: ignored")
        c.enable(3, 6)
        c.complete(3, 6)
        #expect(c.isPending(6), "whose claim it was isn't checked")
    }

    @Test func completionWhileDisabledIsIgnored() {
        let c = Controller()
        c.set(up: 6)
        c.raise(6)
        _ = c.claim(1)
        c.enable(1, 6, false)
        c.complete(1, 6)
        #expect(!c.isPending(6))
        c.enable(1, 6)
        c.complete(1, 6)
        #expect(c.isPending(6))
    }

    @Test func foreignCompletionsAreIgnored() {
        let c = Controller()
        c.set(up: 6)
        c.raise(6)
        for id: UInt32 in [0, 5, 6, 96, 128, 0x106, 0xFFFF_FFFF] { c.complete(1, id) }
        #expect(c.isPending(6))
        #expect(c.claim(1) == 6)
        for id: UInt32 in [0, 5, 96, 0x106, 0xFFFF_FFFF] { c.complete(1, id) }
        #expect(!c.isPending(6))
    }

    @Test func repeatedLevelsAreQuiet() {
        let c = Controller()
        c.set(up: 6)
        for _ in 0..<10 { c.raise(6) }
        #expect(c.wires[1].calls == 1)
        _ = c.claim(1)
        c.raise(6)
        for _ in 0..<10 { c.lower(6) }
        c.complete(1, 6)
        #expect(c.wires[1].edges == [true, false])
        #expect(c.wires[1].calls == 2, "only changes reach the wire")
        // Two handles of one source are one wire.
        c.plic.line(source: 6)?.set(true)
        c.raise(6)
        #expect(c.wires[1].calls == 3)
        c.lower(6)
        #expect(c.claim(1) == 6)
    }

    @Test func unwiredContextsKeepTheirRegisters() {
        let wire = FakeLine()
        let plic = PLIC(wires: [nil, wire])
        plic.write(offset: 4 * 9, width: 4, value: 1)
        plic.write(offset: 0x2000, width: 4, value: 1 << 9)
        plic.line(source: 9)?.set(true)
        #expect(wire.level == false)
        #expect(plic.read(offset: 0x20_0004, width: 4) == 9)
    }

    @Test func resetKeepsLevels() {
        let c = Controller()
        c.set(up: 6)
        c.set(up: 7, priority: 5)
        c.threshold(2, 3)
        c.raise(6)
        c.raise(7)
        _ = c.claim(1)
        c.plic.reset()
        #expect(c.wires[1].level == false)
        #expect(c.get(4 * 6) == 0)
        #expect(c.get(0x2080) == 0)
        #expect(c.get(0x20_2000) == 0)
        c.set(up: 6)
        c.set(up: 7)
        #expect(c.claim(1) == 6)
        #expect(c.claim(1) == 7)
    }
}

/// The specification written down the slow way, one flag a source and one rule a line, against which random
/// histories are played.
@Suite struct PLICModelTests {
    struct Model {
        var level = [Bool](repeating: false, count: 96)
        var ip = [Bool](repeating: false, count: 96)
        var waiting = [Bool](repeating: false, count: 96)
        var priority = [Int](repeating: 0, count: 96)
        var threshold: [Int]
        var ie: [[Bool]]

        init(contexts: Int) {
            threshold = Array(repeating: 0, count: contexts)
            ie = Array(repeating: Array(repeating: false, count: 96), count: contexts)
        }

        func best(_ context: Int, above floor: Int) -> Int {
            var best = 0, bestPriority = floor
            for source in 1...95 where ip[source] && ie[context][source] && priority[source] > bestPriority {
                best = source
                bestPriority = priority[source]
            }
            return best
        }
        func notified(_ context: Int) -> Bool { best(context, above: threshold[context]) != 0 }

        mutating func set(_ source: Int, _ new: Bool) {
            if new, !level[source], !waiting[source] { ip[source] = true }
            level[source] = new
        }
        mutating func claim(_ context: Int) -> Int {
            let source = best(context, above: 0)
            if source != 0 { (ip[source], waiting[source]) = (false, true) }
            return source
        }
        mutating func complete(_ context: Int, _ source: Int) {
            guard (1...95).contains(source), ie[context][source], waiting[source] else { return }
            waiting[source] = false
            if level[source] { ip[source] = true }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomHistories(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let contexts = 5
        let c = Controller(contexts: contexts)
        var model = Model(contexts: contexts)
        var claims = 0
        for step in 0..<60_000 {
            let context = Int.random(in: 0..<contexts, using: &random)
            let source = Int.random(in: 1...95, using: &random)
            switch Int.random(in: 0..<16, using: &random) {
            case 0...3:
                let level = Bool.random(using: &random)
                level ? c.raise(source) : c.lower(source)
                model.set(source, level)
            case 4:
                let value = UInt32.random(in: 0...7, using: &random)
                c.priority(source, value)
                model.priority[source] = Int(value)
            case 5:
                let value = UInt32.random(in: 0...7, using: &random)
                c.threshold(context, value)
                model.threshold[context] = Int(value)
            case 6:
                let word = Int.random(in: 0...2, using: &random)
                let value = UInt32(truncatingIfNeeded: random.next())
                c.put(0x2000 + 0x80 * UInt64(context) + 4 * UInt64(word), value)
                for bit in 0..<32 where word + bit > 0 { model.ie[context][32 * word + bit] = value >> UInt32(bit) & 1 == 1 }
            case 7...10:
                let expected = model.claim(context)
                let got = c.claim(context)
                if got != expected { return #expect(got == expected, "claim at step \(step)") }
                if got != 0 { claims += 1 }
            default:
                c.complete(context, UInt32(source))
                model.complete(context, source)
            }
            for context in 0..<contexts where c.wires[context].level != model.notified(context) {
                return #expect(c.wires[context].level == model.notified(context), "context \(context) at step \(step)")
            }
        }
        for source in 1...95 { #expect(c.isPending(source) == model.ip[source]) }
        #expect(claims > 1_000, "the history has to be about something")
    }
}
