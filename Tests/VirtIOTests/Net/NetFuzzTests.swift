import CHost
import Testing
import VirtIO

/// A driver that doesn't play by the rules, before a back end that gives everything back.
@Suite struct NetFuzzTests {
    /// Sends to the guest what the guest has sent, and is full every now and then.
    final class Mirror: NetworkBackend, @unchecked Sendable {
        let traits: NetworkTraits
        private var receiver: (any NetworkReceiver)?
        private var kept: [[UInt8]] = []
        private var turns = 0
        /// Was full when somebody wanted to send: has to be asked again soon.
        private var isAwaited = false

        init(_ traits: NetworkTraits) { self.traits = traits }

        func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures) { self.receiver = receiver }
        /// Forgets what it has: the next driver would get the last one's frames.
        func detach() {
            receiver = nil
            kept = []
        }
        func setGuestOffloads(_ offloads: NetworkFeatures) {}
        func setActivePairs(_ count: Int) {}
        func prepare(_ polls: PollSet) -> Int32 {
            turns += 1
            return kept.isEmpty && !isAwaited ? -1 : 1
        }

        func service(_ polls: PollSet) {
            guard let receiver else { return }
            if turns % 50 == 0 { receiver.linkChanged(isUp: turns % 100 == 0) }
            while let frame = kept.last {
                let pair = frame.count % traits.queuePairs
                if traits.hasHeader {
                    guard let room = receiver.room(pair: pair) else { break }
                    var done = 0
                    for stretch in room where done < frame.count {
                        let part = min(stretch.count, frame.count - done)
                        frame.withUnsafeBytes { host_copy(stretch.base!, $0.baseAddress! + done, part) }
                        done += part
                    }
                    receiver.received(done, pair: pair)
                } else {
                    guard receiver.hasRoom(pair: pair) else { break }
                    frame.withUnsafeBytes { receiver.receive($0, pair: pair, isChecked: frame.count % 2 == 0) }
                }
                kept.removeLast()
            }
            if kept.count > 16 { kept = [] }
        }

        func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult {
            isAwaited = turns % 7 == 0
            if isAwaited { return .full }
            kept.append(frame.flatMap { Array(UnsafeRawBufferPointer(start: $0.base, count: $0.count)) })
            return .done
        }

        func flush(pair: Int) {}
        func canSend(pair: Int) -> Bool { turns % 7 != 0 }
    }

    @Test(arguments: [false, true])
    func aMillionOperations(_ hasHeader: Bool) throws {
        var traits = NetworkTraits()
        traits.hasHeader = hasHeader
        traits.queuePairs = hasHeader ? 2 : 1
        traits.hasLinkStatus = true
        traits.offloads = NetworkFeatures.hostOffloads.union(.guestOffloads)
        let device = try NetworkDevice(.init(address: NetworkBench.ownAddress, mtu: 1500), backend: Mirror(traits))
        var plan = FuzzPlan()
        plan.usualCount = 2000
        plan.seed = hasHeader ? 1 : 2
        let controls: Set = [device.queueSizes.count - 1, 2]
        plan.header = { queue, random in
            if controls.contains(queue), queue == 2 * traits.queuePairs || random.oneIn(2) {
                return [UInt8(random.below(7)), UInt8(random.below(7))] + (random.oneIn(2) ? [UInt8(random.below(3)), 0] : [])
            }
            guard queue & 1 == 1 else { return [] }
            var header = [UInt8](repeating: 0, count: NetworkHeader.size)
            if random.oneIn(2) { header[0] = 1 }
            header[1] = [0, 0, 1, 4, 5, 3, 0x81, 2][random.below(8)]
            header[4] = UInt8(random.below(256))
            header[6] = UInt8(random.below(80))
            header[8] = UInt8(random.below(40))
            return header
        }
        plan.body = { queue, random in
            guard queue & 1 == 1 else { return controls.contains(queue) ? [UInt8](repeating: UInt8(random.below(3)), count: random.below(40)) : [] }
            var frame = Frames.tcp(isIPv6: random.oneIn(2), payload: [UInt8](repeating: 1, count: random.below(400)))
            if random.oneIn(3) { frame[12 + random.below(frame.count - 12)] = UInt8(random.below(256)) }
            return frame
        }
        try fuzz(device, plan)
        // And it still works.
        let driver = try MockDriver(device, features: 0)
        try driver.start()
        let buffer = try driver.add(queue: 0, writable: [1600])
        _ = try driver.request(queue: 1, readable: [[UInt8](repeating: 0, count: 12) + Frames.plain(to: [0x52, 0x54, 0, 0x12, 0x34, 0x56])])
        let answer = try driver.wait(buffer)
        #expect(Array(answer.writable[0].prefix(answer.written).dropFirst(12)) == Frames.plain())
        driver.reset()
    }
}
