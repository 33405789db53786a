import Testing
import VirtIO

/// The control queue, and what follows from its commands.
@Suite struct NetControlTests {
    static let all: NetworkFeatures = [
        .ctrlVQ, .ctrlRX, .ctrlRXExtra, .ctrlVLAN, .ctrlMACAddress, .mq, .guestAnnounce, .status, .ctrlGuestOffloads, .guestCsum,
        .guestTSO4,
    ]
    static let own: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56]
    static let other: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x57]
    static let group: [UInt8] = [0x01, 0, 0x5E, 0, 0, 1]
    static let everyone = [UInt8](repeating: 0xFF, count: 6)

    func bench(_ features: NetworkFeatures = all, pairs: Int = 1) -> NetworkBench {
        var traits = NetworkTraits()
        traits.queuePairs = pairs
        let bench = NetworkBench(features, traits: traits, pairs: pairs)
        for _ in 0 ..< 200 { bench.receive.offer(writable: [1600]) }
        return bench
    }

    func passes(_ bench: NetworkBench, _ target: [UInt8], vlan: Int? = nil) -> Bool {
        var frame = Frames.plain(to: target)
        if let vlan { frame.replaceSubrange(12 ..< 16, with: [0x81, 0, UInt8(vlan >> 8 | 0x20), UInt8(vlan & 0xFF)]) }
        bench.backend.inbox.append(frame)
        bench.turn()
        return !bench.receive.takeUsed().isEmpty
    }

    @Test func modes() {
        let bench = bench()
        func look() -> [Bool] { [Self.own, Self.other, Self.group, Self.everyone].map { passes(bench, $0) } }
        #expect(look() == [true, true, true, true], "promiscuous until told otherwise")
        let steps: [([UInt8], [Bool])] = [
            ([0, 0, 0], [true, false, false, true]), ([0, 1, 1], [true, false, true, true]), ([0, 2, 1], [true, true, true, true]),
            ([0, 3, 1], [true, true, false, true]), ([0, 4, 1], [false, false, false, true]), ([0, 5, 1], [false, false, false, false]),
            ([0, 0, 1], [true, true, true, true]),
        ]
        for (command, expected) in steps {
            #expect(bench.command(command) == 0)
            #expect(look() == expected, "\(command)")
        }
    }

    @Test func tables() {
        let bench = bench()
        #expect(bench.command([0, 0, 0]) == 0)
        #expect(bench.command([1, 0, 1, 0, 0, 0] + Self.other + [1, 0, 0, 0] + Self.group) == 0)
        #expect(passes(bench, Self.own) && passes(bench, Self.other) && passes(bench, Self.group))
        #expect(!passes(bench, [0x01, 0, 0x5E, 0, 0, 2]) && !passes(bench, [2, 2, 2, 2, 2, 2]))
        #expect(bench.command([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == 0)
        #expect(!passes(bench, Self.other) && !passes(bench, Self.group))
        // More than fit: all of that kind.
        let many = UInt8(ReceiveFilter.tableLimit + 1)
        let long: [UInt8] = (0 ..< many).flatMap { [1, 0, 0x5E, 1, 1, $0] as [UInt8] }
        #expect(bench.command([1, 0, 0, 0, 0, 0, many, 0, 0, 0] + long) == 0)
        #expect(passes(bench, Self.group) && !passes(bench, Self.other))
    }

    @Test func addressAndConfiguration() {
        let bench = bench()
        #expect(bench.state.read(offset: 0, width: 8) & 0xFFFF_FFFF_FFFF == 0x5634_1200_5452)
        #expect(bench.command([1, 1] + Self.other) == 0)
        #expect(bench.state.read(offset: 5, width: 1) == 0x57)
        _ = bench.command([0, 0, 0])
        #expect(passes(bench, Self.other) && !passes(bench, Self.own))
        bench.state.reset()
        #expect(bench.state.read(offset: 5, width: 1) == 0x56)
    }

    @Test func vlans() {
        let bench = bench()
        #expect(bench.command([0, 0, 0]) == 0)
        #expect(!passes(bench, Self.own, vlan: 5) && passes(bench, Self.own))
        #expect(bench.command([2, 0, 5, 0]) == 0)
        #expect(bench.command([2, 0, 0xFF, 0x0F]) == 0)
        #expect(passes(bench, Self.own, vlan: 5) && passes(bench, Self.own, vlan: 4095) && !passes(bench, Self.own, vlan: 6))
        #expect(bench.command([2, 1, 5, 0]) == 0)
        #expect(!passes(bench, Self.own, vlan: 5))
        #expect(bench.command([2, 0, 0, 0x10]) == 1, "VLAN 4096")
    }

    @Test func pairsInUse() {
        let bench = bench(pairs: 4)
        #expect(bench.backend.activePairs == 1)
        #expect(bench.command([4, 0, 4, 0]) == 0)
        #expect(bench.backend.activePairs == 4)
        bench.session.scripted[7].offer(readable: [NetTransmitTests.header() + Frames.plain()])
        bench.turn()
        #expect(bench.backend.sent.map(\.pair) == [3])
        for wrong: [UInt8] in [[4, 0, 0, 0], [4, 0, 5, 0], [4, 0, 0, 0x80], [4, 0, 1], [4, 1, 1, 0]] { #expect(bench.command(wrong) == 1) }
        #expect(bench.backend.activePairs == 4)
        #expect(bench.command([4, 0, 1, 0]) == 0)
        #expect(bench.backend.activePairs == 1)
    }

    @Test func withoutMultiqueueTheControlQueueIsTheThird() {
        var traits = NetworkTraits()
        traits.queuePairs = 4
        let bench = NetworkBench([.ctrlVQ, .ctrlRX], traits: traits, pairs: 4)
        let token = bench.session.scripted[2].offer(readable: [[0, 0, 0]], writable: [1])
        bench.turn()
        #expect(bench.session.scripted[2].bytes(token).last == 0)
    }

    @Test func offloadsSwitch() {
        let bench = bench()
        #expect(bench.backend.offloads == [.guestCsum, .guestTSO4])
        #expect(bench.command([5, 0, 2, 0, 0, 0, 0, 0, 0, 0]) == 0)
        #expect(bench.backend.offloads == .guestCsum)
        #expect(bench.command([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) == 1, "TSO6 wasn't accepted")
        #expect(bench.command([5, 0, 1, 0, 0, 0, 0, 0, 0, 0]) == 1, "CSUM isn't the guest's")
        #expect(bench.command([5, 0, 2]) == 1)
    }

    @Test func announcement() {
        let bench = bench()
        #expect(bench.state.read(offset: 6, width: 2) == 1)
        bench.worker.linkChanged(isUp: false)
        #expect(bench.state.read(offset: 6, width: 2) == 0)
        #expect(bench.worker.takeNotes().configurationChanged)
        bench.worker.linkChanged(isUp: true)
        #expect(bench.state.read(offset: 6, width: 2) == 3)
        #expect(bench.command([3, 0]) == 0)
        #expect(bench.state.read(offset: 6, width: 2) == 1)
    }

    @Test func commandsOfFeaturesNotAccepted() {
        let bench = bench(.ctrlVQ)
        for command: [UInt8] in [
            [0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1] + Self.other, [2, 0, 5, 0], [3, 0], [4, 0, 1, 0], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] { #expect(bench.command(command) == 1, "\(command)") }
        let plain = self.bench([.ctrlVQ, .ctrlRX])
        #expect(plain.command([0, 2, 1]) == 1, "the further modes are CTRL_RX_EXTRA's")
    }

    @Test func hostileCommands() {
        let bench = bench()
        #expect(bench.command([0, 0, 0]) == 0)
        let wrong: [[UInt8]] = [
            [0, 0], [0, 0, 0, 0], [0, 6, 1], [0, 255, 1], [1, 0], [1, 0, 1, 0, 0, 0], [1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4, 5, 6],
            [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], [1, 1, 1, 2, 3], [1, 2], [2, 2, 0, 0], [9, 9], [255, 255],
            [1, 0] + [UInt8](repeating: 0xFF, count: 60_000),
        ]
        for command in wrong { #expect(bench.command(command) == 1, "\(command.prefix(20))") }
        #expect(!passes(bench, Self.other), "a wrong command changes nothing")
        #expect(bench.worker.takeNotes().failure == nil)
        // With no place for the answer, or no command at all, it is the queue that is misused.
        for (readable, writable) in [([0, 0, 1], []), ([0], [1]), ([], [1])] as [([UInt8], [Int])] {
            let bench = self.bench()
            bench.control.offer(readable: [readable], writable: writable)
            bench.turn()
            #expect(bench.worker.takeNotes().failure == .badRequest)
        }
    }

    @Test func answerLiesAtTheStartOfLongBuffers() {
        let bench = bench()
        let token = bench.control.offer(readable: [[0], [0], [0]], writable: [3, 2])
        bench.turn()
        #expect(Array(bench.control.bytes(token).dropFirst(3)) == [0, 0xA5, 0xA5, 0xA5, 0xA5])
        #expect(bench.control.used.map(\.written) == [1])
    }

    @Test func configurationOfEveryWidthAtEveryOffset() {
        let state = NetworkState(address: 0x0102_0304_0506, mtu: 9000, pairs: 4)
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 1, 0, 4, 0, 0x28, 0x23]
        for width in [1, 2, 4, 8] {
            for offset in 0 ..< 40 {
                var expected: UInt64 = 0
                for i in 0 ..< width where offset + i < bytes.count { expected |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
                #expect(state.read(offset: UInt64(offset), width: width) == expected)
            }
            #expect(state.read(offset: .max, width: width) == 0)
        }
    }

    @Test func featuresNeedTheirFoundations() {
        #expect(NetworkFeatures([.hostTSO4, .hostECN, .guestTSO6, .guestECN]).consistent == [])
        #expect(NetworkFeatures([.ctrlRX, .mq, .ctrlVLAN]).consistent == [])
        let whole: NetworkFeatures = [.csum, .hostTSO4, .hostECN, .guestCsum, .guestTSO6, .guestECN, .ctrlVQ, .mq]
        #expect(whole.consistent == whole)
    }
}
