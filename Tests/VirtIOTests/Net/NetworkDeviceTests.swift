import CHost
import Testing
import VirtIO

/// The device with its thread: starts, stops and what it offers.
@Suite struct NetworkDeviceTests {
    func wait(_ condition: () -> Bool) -> Bool {
        let deadline = host_clock_monotonic_ns() + 10_000_000_000
        while !condition() {
            if host_clock_monotonic_ns() > deadline { return false }
            host_sleep_ns(1_000_000)
        }
        return true
    }

    @Test func offersWhatTheBackendCan() throws {
        var traits = NetworkTraits()
        traits.offloads = [.csum, .hostTSO4, .guestCsum]
        traits.queuePairs = 3
        let device = try NetworkDevice(.init(address: NetworkBench.ownAddress, mtu: 9000), backend: ScriptedBackend(traits))
        let features = NetworkFeatures(rawValue: device.features)
        #expect(features.isSuperset(of: [.mac, .mtu, .status, .mq, .csum, .hostTSO4, .guestCsum, .mergeableBuffers, .ctrlVQ]))
        #expect(features.isDisjoint(with: [.hostTSO6, .guestTSO4, .guestAnnounce]))
        #expect(device.queueSizes == [UInt16](repeating: 256, count: 7))
        #expect(device.readConfiguration(offset: 8, width: 2) == 3 && device.readConfiguration(offset: 10, width: 2) == 9000)
        device.writeConfiguration(offset: 0, width: 4, value: 0)
        #expect(device.readConfiguration(offset: 0, width: 4) == 0x1200_5452)
        let plain = try NetworkDevice(.init(address: 2), backend: ScriptedBackend(NetworkTraits()))
        #expect(NetworkFeatures(rawValue: plain.features).isDisjoint(with: [.mq, .mtu, .csum, .ctrlGuestOffloads]))
        #expect(plain.queueSizes.count == 3)
    }

    @Test func startsAndStopsAnyNumberOfTimes() throws {
        let backend = ScriptedBackend(NetworkTraits())
        let device = try NetworkDevice(.init(address: NetworkBench.ownAddress), backend: backend)
        device.stop()
        for round in 0 ..< 200 {
            let session = ScriptedSession([.mergeableBuffers])
            session.scripted[1].offer(readable: [NetTransmitTests.header() + Frames.plain()])
            device.start(session)
            // Some are stopped before the thread has seen them.
            if round % 3 != 0 { #expect(wait { session.scripted[1].signals == 1 }) }
            device.stop()
            let used = session.scripted[1].used.count
            #expect(backend.receiver == nil)
            session.scripted[1].offer(readable: [NetTransmitTests.header() + Frames.plain()])
            if round % 50 == 0 { host_sleep_ns(2_000_000) }
            #expect(session.scripted[1].used.count == used)
        }
    }

    @Test func tellsOfAProtocolViolation() throws {
        let device = try NetworkDevice(.init(address: NetworkBench.ownAddress), backend: ScriptedBackend(NetworkTraits()))
        let session = ScriptedSession([])
        session.scripted[1].failure = .badIndex(9)
        session.scripted[1].offer()
        device.start(session)
        #expect(wait { !session.failures.isEmpty })
        #expect(session.failures == [.badIndex(9)])
        device.stop()
        // The reset makes it work again.
        let next = ScriptedSession([])
        next.scripted[1].offer(readable: [NetTransmitTests.header() + Frames.plain()])
        device.start(next)
        #expect(wait { next.scripted[1].signals == 1 })
        device.stop()
    }

    @Test func queuesMayBeMissing() throws {
        let device = try NetworkDevice(.init(address: NetworkBench.ownAddress), backend: ScriptedBackend(NetworkTraits()))
        let session = EmptySession()
        device.start(session)
        host_sleep_ns(5_000_000)
        device.stop()
    }

    final class EmptySession: VirtIOSession {
        let acceptedFeatures: UInt64 = .max
        let queues: [(any VirtQueue)?] = [nil, nil, nil]
        func configurationChanged() {}
        func fail(_ error: VirtQueueError) { Issue.record("no driver's fault: \(error)") }
    }
}
