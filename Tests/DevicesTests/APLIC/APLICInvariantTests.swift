import Devices
import Testing

/// What the specification says must hold whatever software did before: looked at through the registers, after
/// random accesses to both domains and changes of the wires.
@Suite struct APLICInvariantTests {
    private static let rounds = 30_000
    private static let words: [UInt64] = [0, 1, 2, 3]

    @Test(arguments: [false, true], [0xF1, 0xF2, 0xF3] as [UInt64])
    func invariants(messages: Bool, seed: UInt64) throws {
        let r = try APLICRig(messages: messages, hasMachineLevel: true)
        var random = SeededGenerator(seed: seed)
        var levels = [Bool](repeating: false, count: 97)
        for round in 0..<Self.rounds {
            // Few sources, so that what is done to one meets what was done before.
            let source = [1, 2, 31, 32, 63, 64, 95, 96][Int(random.next() % 8)]
            if random.next() % 3 == 0 {
                levels[source].toggle()
                r.wire(source, levels[source])
            } else {
                change(random.next() & 1 == 0 ? r.root : r.leaf, source, &random)
            }
            guard round % 16 == 0 else { continue }
            for (domain, wires) in [(r.root, r.machineWires), (r.leaf, r.wires)] {
                sources(domain, levels, messages)
                if !messages { harts(domain, wires) }
            }
            for source in 1...96 where r.root.sourcecfg(source) != 0x400 { #expect(r.leaf.sourcecfg(source) == 0) }
        }
        if messages { #expect(r.inbox.messages.count > 100) } else { #expect(r.wires.contains { $0.calls > 100 }) }
    }

    private func change(_ domain: DomainRegisters, _ source: Int, _ random: inout SeededGenerator) {
        let bits = random.next(), value = UInt32(truncatingIfNeeded: bits >> 8)
        let word = UInt64(source / 32), bit: UInt32 = 1 << UInt32(source % 32), hart = Int(bits >> 40 % 4) % 4
        switch bits & 15 {
        case 0: domain.domaincfg = value % 4 == 0 ? 0 : 0x100
        case 1, 2: domain.sourcecfg(source, value % 3 == 0 ? 0x400 : value % 8)
        case 3: domain.put(0x1C00 + 4 * word, bit)
        case 4: domain.setipnum(UInt32(source))
        case 5: domain.put(0x1D00 + 4 * word, bit)
        case 6: domain.clripnum(UInt32(source))
        case 7, 8: domain.put(0x1E00 + 4 * word, value | bit)
        case 9: domain.put(0x1F00 + 4 * word, bit)
        case 10: domain.target(source, value & 0xFF | UInt32(value >> 8 % 6) << 18)
        case 11: domain.idelivery(hart, value % 4 == 0 ? 0 : 1)
        case 12: domain.iforce(hart, value & 1)
        case 13: domain.ithreshold(hart, value % 4 == 0 ? value & 0xFF : 0)
        case 14: _ = domain.claimi(hart)
        default: domain.put(0x3000, value)
        }
    }

    private func set(_ domain: DomainRegisters, _ base: UInt64) -> Set<Int> {
        var sources = Set<Int>()
        for word in Self.words {
            let bits = domain.get(base + 4 * word)
            for bit in 0..<32 where bits >> UInt32(bit) & 1 == 1 { sources.insert(Int(word) * 32 + bit) }
        }
        return sources
    }

    private func sources(_ domain: DomainRegisters, _ levels: [Bool], _ messages: Bool) {
        let pending = set(domain, 0x1C00), rectified = set(domain, 0x1D00), enabled = set(domain, 0x1E00)
        for source in [0] + Array(97...127) { #expect(![pending, rectified, enabled].contains { $0.contains(source) }) }
        for source in 1...96 {
            let mode = DomainRegisters.Mode(rawValue: domain.sourcecfg(source)) ?? .inactive
            switch mode {
            case .inactive:
                #expect(!pending.contains(source) && !rectified.contains(source) && !enabled.contains(source))
                #expect(domain.target(source) == 0)
            case .detached: #expect(!rectified.contains(source))
            case .edge1, .level1: #expect(rectified.contains(source) == levels[source])
            case .edge0, .level0: #expect(rectified.contains(source) != levels[source])
            }
            if mode == .level1 || mode == .level0 {
                if messages { #expect(!pending.contains(source) || rectified.contains(source)) }
                if !messages { #expect(pending.contains(source) == rectified.contains(source)) }
            }
            if mode != .inactive, !messages { #expect(domain.target(source) & 0xFF != 0) }
        }
        if messages, domain.domaincfg & 0x100 != 0 { #expect(pending.isDisjoint(with: enabled), "sent already") }
    }

    private func harts(_ domain: DomainRegisters, _ wires: [FakeLine]) {
        let ready = set(domain, 0x1C00).intersection(set(domain, 0x1E00))
        for hart in 0..<4 {
            let idc = 0x4000 + 32 * UInt64(hart), threshold = domain.get(idc + 8)
            let mine = ready.map { (source: UInt32($0), target: domain.target($0)) }
                .filter { Int($0.target >> 18) == hart && (threshold == 0 || $0.target & 0xFF < threshold) }
            let best = mine.min { ($0.target & 0xFF, $0.source) < ($1.target & 0xFF, $1.source) }
            let top = best.map { $0.source << 16 | $0.target & 0xFF } ?? 0
            #expect(domain.topi(hart) == top)
            let isSignaled = domain.domaincfg & 0x100 != 0 && domain.get(idc) == 1 && (domain.get(idc + 4) == 1 || top != 0)
            #expect(wires[hart].level == isSignaled)
        }
    }
}
