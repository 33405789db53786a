import CHost
import Devices
import Foundation
import Machine
import Testing

/// Consoles that end at a socket or a pseudo-terminal: peers come, go, and don't read.
@Suite final class ConsoleStreamTests: @unchecked Sendable {
    private let scratch = Scratch()
    private var streams: [ConsoleStream] = []
    private var path: String { scratch.path + "/socket" }

    init() { signal(SIGPIPE, SIG_IGN) }

    deinit { for stream in streams { stream.finish(deadline: 0) } }

    private func listen() throws -> ConsoleStream {
        let descriptor = host_unix_listen(path)
        try #require(descriptor >= 0)
        let stream = try ConsoleStream.listening(descriptor)
        streams.append(stream)
        return stream
    }

    private func connect() throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    private func until(_ condition: () -> Bool) -> Bool {
        for _ in 0..<1000 {
            if condition() { return true }
            usleep(10_000)
        }
        return false
    }

    private func send(_ descriptor: Int32, _ text: String) { _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
    private func put(_ stream: ConsoleStream, _ text: String) { Array(text.utf8).withUnsafeBytes { stream.write($0) } }

    private func hear(_ descriptor: Int32, _ count: Int) -> String {
        var heard: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while heard.count < count {
            let n = read(descriptor, &buffer, buffer.count)
            if n <= 0 { break }
            heard += buffer.prefix(n)
        }
        return String(decoding: heard, as: UTF8.self)
    }

    private func take(_ stream: ConsoleStream, _ count: Int) -> String {
        var got: [UInt8] = []
        _ = until {
            got += stream.input.take(count - got.count)
            return got.count >= count
        }
        return String(decoding: got, as: UTF8.self)
    }

    @Test func peersComeAndGo() throws {
        let stream = try listen()
        put(stream, "nobody hears this")
        for round in 0..<3 {
            let peer = try connect()
            #expect(until { stream.isConnected })
            put(stream, "hello \(round)")
            #expect(hear(peer, 7) == "hello \(round)")
            send(peer, "bye \(round)")
            #expect(take(stream, 5) == "bye \(round)")
            close(peer)
            #expect(until { !stream.isConnected })
        }
    }

    @Test func nextPeerWaitsForItsTurn() throws {
        let stream = try listen()
        let first = try connect()
        let second = try connect()
        send(second, "second")
        #expect(until { stream.isConnected })
        put(stream, "a")
        #expect(hear(first, 1) == "a")
        send(first, "first")
        #expect(take(stream, 5) == "first")
        close(first)
        #expect(take(stream, 6) == "second")
        put(stream, "b")
        #expect(hear(second, 1) == "b")
        close(second)
    }

    @Test func whatAPeerSentArrivesAfterItHasGone() throws {
        let stream = try listen()
        let peer = try connect()
        let text = String(repeating: "0123456789", count: 5000)
        send(peer, text)
        close(peer)
        // It counts as there until then, or the guest would read no further.
        #expect(until { stream.input.room == 0 })
        #expect(stream.isConnected)
        #expect(take(stream, text.utf8.count) == text)
        #expect(until { !stream.isConnected })
        // And the next one is heard.
        let next = try connect()
        send(next, "next")
        #expect(take(stream, 4) == "next")
        close(next)
    }

    @Test func halfClosedPeersStillListen() throws {
        let stream = try listen()
        let peer = try connect()
        send(peer, "question")
        shutdown(peer, Int32(SHUT_WR))
        #expect(take(stream, 8) == "question")
        put(stream, "answer")
        #expect(hear(peer, 6) == "answer")
        close(peer)
        #expect(until { !stream.isConnected })
    }

    @Test func aPeerThatDoesntReadHoldsNobodyUpForLong() throws {
        let stream = try listen()
        let peer = try connect()
        #expect(until { stream.isConnected })
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let block = [UInt8](repeating: 0x2E, count: 4096)
            for _ in 0..<1000 { block.withUnsafeBytes { stream.write($0) } }
            done.signal()
        }
        #expect(done.wait(timeout: .now() + 30) == .success)
        // It reads again: what is new arrives.
        let reader = Thread { _ = self.hear(peer, .max) }
        reader.start()
        #expect(until {
            let block = [UInt8](repeating: 0x2E, count: 1)
            return block.withUnsafeBytes { stream.offer($0) } == 1 && stream.isConnected
        })
        shutdown(peer, Int32(SHUT_RDWR))
        #expect(until { !stream.isConnected })
        close(peer)
    }

    @Test func offersTakeWhatFitsAndTellOfRoom() throws {
        let stream = try listen()
        let wake = host_eventfd()
        defer { host_close(wake) }
        stream.attach(wake: wake)
        let peer = try connect()
        #expect(until { stream.isConnected })
        host_eventfd_drain(wake)
        let block = [UInt8](repeating: 0x2E, count: 4 << 20)
        var sent = block.withUnsafeBytes { stream.offer($0) }
        #expect(sent > 0 && sent < block.count)
        let reader = Thread { _ = self.hear(peer, .max) }
        reader.start()
        while sent < block.count {
            try #require(host_poll_read(wake, -1, 10_000) == 1)
            host_eventfd_drain(wake)
            sent += block[sent...].withUnsafeBytes { stream.offer($0) }
        }
        stream.attach(wake: -1)
        shutdown(peer, Int32(SHUT_RDWR))
        close(peer)
    }

    @Test func aNameInUseIsRefusedAndAStaleOneReplaced() throws {
        let stream = try listen()
        #expect(host_unix_listen(path) == -EADDRINUSE)
        stream.finish(deadline: 0)
        streams = []
        _ = scratch.file("text", [1])
        #expect(host_unix_listen(scratch.path + "/text") == -EADDRINUSE)
        #expect(host_unix_listen(scratch.path + "/" + String(repeating: "x", count: 108)) == -ENAMETOOLONG)
        #expect(host_unix_listen(scratch.path + "/nowhere/socket") == -ENOENT)
    }

    @Test func aSocketWithoutAnOwnerIsReplaced() throws {
        let dead = host_unix_listen(path)
        try #require(dead >= 0)
        host_close(dead)
        _ = try listen()
        close(try connect())
    }

    @Test func terminalsComeAndGo() throws {
        var name = [CChar](repeating: 0, count: 64)
        let descriptor = host_pty_open(&name, name.count)
        try #require(descriptor >= 0)
        let stream = try ConsoleStream.pty(descriptor)
        streams.append(stream)
        put(stream, "nobody hears this")
        for round in 0..<2 {
            let terminal = open(name, O_RDWR | O_NOCTTY)
            try #require(terminal >= 0)
            #expect(until { stream.isConnected })
            // Raw: no echo, and no waiting for the end of a line.
            put(stream, "to you\n")
            #expect(hear(terminal, 7) == "to you\n")
            send(terminal, "t\(round)")
            #expect(take(stream, 2) == "t\(round)")
            close(terminal)
            #expect(until { !stream.isConnected })
        }
        // Written and gone before anybody looked.
        let terminal = open(name, O_RDWR | O_NOCTTY)
        send(terminal, "quick")
        close(terminal)
        #expect(take(stream, 5) == "quick")
    }

    @Test func lastWordsAreWritten() throws {
        let stream = try listen()
        let peer = try connect()
        #expect(until { stream.isConnected })
        put(stream, "the end")
        stream.finish(deadline: host_clock_monotonic_ns() + 10_000_000_000)
        streams = []
        #expect(hear(peer, 7) == "the end")
        close(peer)
    }
}

/// Who gets what is typed.
@Suite struct ConsoleInputClaimTests {
    @Test func aPortComesBeforeTheSerialLine() {
        let input = ConsoleInput(wake: -1)
        let wake = host_eventfd()
        defer { host_close(wake) }
        input.claim(wake)
        #expect(host_poll_read(wake, -1, 0) == 0)
        input.push(Array("x".utf8))
        #expect(host_poll_read(wake, -1, 0) == 1)
        host_eventfd_drain(wake)
        #expect(input.take(4) == [0x78])
        // What waits is told to whoever comes.
        input.claim(nil)
        input.push(Array("y".utf8))
        #expect(host_poll_read(wake, -1, 0) == 0)
        input.claim(wake)
        #expect(host_poll_read(wake, -1, 0) == 1)
    }
}

/// Output that doesn't wait.
@Suite struct ConsoleOfferTests {
    @Test func offersToAFullPipeAreRefusedUntilItIsRead() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let wake = host_eventfd()
        let writer = try ConsoleWriter(descriptor: ends[1]) { _ in }
        writer.attach(wake: wake)
        let block = [UInt8](repeating: 0x2E, count: 1 << 20)
        var sent = 0
        var received = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var wasRefused = false
        while sent < block.count {
            let count = block[sent...].withUnsafeBytes { writer.offer($0) }
            sent += count
            if sent == block.count { break }
            wasRefused = true
            received += max(0, read(ends[0], &buffer, buffer.count))
            if count == 0 { _ = host_poll_read(wake, -1, 100) }
            host_eventfd_drain(wake)
        }
        #expect(wasRefused)
        while received < block.count {
            let count = read(ends[0], &buffer, buffer.count)
            try #require(count > 0)
            received += count
        }
        #expect(writer.finish())
        for end in ends { close(end) }
        host_close(wake)
    }
}
