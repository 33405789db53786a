import CHost
import Foundation
import Testing
import VirtIO

/// A back end behind a socket, with a peer that reads and writes as it likes.
@Suite struct StreamBackendTests {
    /// Listens, and takes one connection after the other.
    final class Peer {
        let path = NSTemporaryDirectory() + "rvkvm-\(UUID().uuidString)"
        private var listener: Int32 = -1
        private var connection: Int32 = -1
        private let dontWait = Int32(MSG_DONTWAIT)

        init() throws { try listen() }
        deinit {
            stop()
            unlink(path)
        }

        func listen() throws {
            unlink(path)
            listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
            try #require(status == 0)
            try #require(Glibc.listen(listener, 4) == 0)
        }

        func accept() { connection = Glibc.accept(listener, nil, nil) }

        func hangUp() {
            if connection >= 0 { close(connection) }
            connection = -1
        }

        func stop() {
            hangUp()
            if listener >= 0 { close(listener) }
            listener = -1
        }

        func send(_ bytes: [UInt8]) { #expect(write(connection, bytes, bytes.count) == bytes.count) }

        /// What has come by now.
        func take(_ limit: Int = 1 << 20) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: limit)
            let count = recv(connection, &bytes, limit, dontWait)
            return Array(bytes.prefix(max(0, count)))
        }
    }

    /// A device in front of the back end, on the test's thread.
    final class Bench {
        let session: ScriptedSession
        let worker: NetworkWorker
        let state = NetworkState(address: NetworkBench.ownAddress, mtu: nil, pairs: 1)
        private let polls = PollSet()

        init(_ backend: any NetworkBackend, _ features: NetworkFeatures = [.status, .mergeableBuffers]) {
            session = ScriptedSession(features)
            worker = NetworkWorker(session, backend, state, offered: NetworkFeatures(rawValue: .max))
            worker.begin()
        }

        /// Around the loop until `condition` holds; false after ten seconds.
        func run(until condition: () -> Bool) -> Bool {
            let deadline = host_clock_monotonic_ns() + 10_000_000_000
            while !condition() {
                if host_clock_monotonic_ns() > deadline { return false }
                turn()
            }
            return true
        }

        func turn() {
            polls.removeAll()
            let timeout = worker.prepare(polls)
            polls.wait(timeout < 0 ? 10 : min(timeout, 10))
            worker.service(polls)
        }

        var isUp: Bool { state.read(offset: 6, width: 1) & 1 == 1 }
    }

    @Test func framesBothWays() throws {
        let peer = try Peer()
        let bench = Bench(try StreamBackend(path: peer.path, queuePairs: 1))
        peer.accept()
        bench.session.scripted[1].offer(readable: [NetTransmitTests.header(), Frames.plain()])
        bench.session.scripted[1].offer(readable: [NetTransmitTests.header(), Frames.plain(count: 1514)])
        #expect(bench.run { bench.session.scripted[1].used.count == 2 })
        #expect(peer.take() == FrameStreamTests.framed(Frames.plain()) + FrameStreamTests.framed(Frames.plain(count: 1514)))
        for _ in 0 ..< 100 { bench.session.scripted[0].offer(writable: [1600]) }
        for byte in FrameStreamTests.framed(Frames.plain(count: 99)) {
            peer.send([byte])
            bench.turn()
        }
        #expect(bench.run { bench.session.scripted[0].used.count == 1 })
        #expect(bench.session.scripted[0].takeUsed().first?.dropFirst(12).elementsEqual(Frames.plain(count: 99)) == true)
    }

    @Test func peerThatDoesNotReadHoldsTheDriverAndLosesNothing() throws {
        let peer = try Peer()
        let bench = Bench(try StreamBackend(path: peer.path, queuePairs: 1))
        peer.accept()
        let transmit = bench.session.scripted[1]
        for place in 0 ..< 2000 { transmit.offer(readable: [NetTransmitTests.header(), Frames.plain(count: 1000 + place % 500)]) }
        for _ in 0 ..< 50 { bench.turn() }
        #expect(transmit.used.count < 2000, "the socket and the back end hold no more than some")
        var stream = FrameStream()
        var counts: [Int] = []
        #expect(bench.run {
            let bytes = peer.take(5000)
            stream.room().copyBytes(from: bytes)
            stream.filled(bytes.count)
            while case .frame(let frame) = stream.next() { counts.append(frame.count) }
            return counts.count == 2000
        })
        #expect(counts == (0 ..< 2000).map { 1000 + $0 % 500 })
        #expect(transmit.used.count == 2000)
    }

    @Test func guestWithoutRoomHoldsThePeer() throws {
        let peer = try Peer()
        let bench = Bench(try StreamBackend(path: peer.path, queuePairs: 1))
        peer.accept()
        for count in 60 ..< 90 { peer.send(FrameStreamTests.framed(Frames.plain(count: count))) }
        for _ in 0 ..< 5 { bench.turn() }
        let receive = bench.session.scripted[0]
        for _ in 60 ..< 90 {
            receive.offer(writable: [1600])
            bench.turn()
        }
        #expect(bench.run { receive.used.count == 30 })
        #expect(receive.takeUsed().map { $0.count - 12 } == Array(60 ..< 90))
    }

    @Test func linkFollowsThePeer() throws {
        let peer = try Peer()
        let bench = Bench(try StreamBackend(path: peer.path, queuePairs: 1))
        peer.accept()
        #expect(bench.isUp)
        for _ in 0 ..< 100 { bench.session.scripted[0].offer(writable: [1600]) }
        peer.send([0, 0])
        peer.stop()
        #expect(bench.run { !bench.isUp })
        #expect(bench.worker.takeNotes().configurationChanged)
        // What is sent now is gone, and holds nobody up.
        bench.session.scripted[1].offer(readable: [NetTransmitTests.header(), Frames.plain()])
        #expect(bench.run { bench.session.scripted[1].used.count == 1 })
        try peer.listen()
        #expect(bench.run { bench.isUp })
        peer.accept()
        // The new stream starts afresh.
        peer.send(FrameStreamTests.framed(Frames.plain()))
        #expect(bench.run { bench.session.scripted[0].used.count == 1 })
        bench.session.scripted[1].offer(readable: [NetTransmitTests.header(), Frames.plain()])
        #expect(bench.run { bench.session.scripted[1].used.count == 2 })
        #expect(peer.take() == FrameStreamTests.framed(Frames.plain()))
    }

    @Test func peerOutOfStepIsLeft() throws {
        let peer = try Peer()
        let bench = Bench(try StreamBackend(path: peer.path, queuePairs: 1))
        peer.accept()
        for _ in 0 ..< 100 { bench.session.scripted[0].offer(writable: [1600]) }
        peer.send([0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3])
        #expect(bench.run { !bench.isUp })
    }

    @Test func nobodyThere() throws {
        #expect(throws: BackendError.self) { try StreamBackend(path: "/nonexistent/socket", queuePairs: 1) }
        #expect(throws: BackendError.self) { try StreamBackend(path: String(repeating: "x", count: 200), queuePairs: 1) }
        let peer = try Peer()
        peer.stop()
        #expect(throws: BackendError.self) { try StreamBackend(path: peer.path, queuePairs: 1) }
    }
}
