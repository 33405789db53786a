import CHost
import Foundation
import Testing
import VirtIO

/// Real tap interfaces, where the tests may make some.
@Suite(.serialized, .enabled(if: geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0)) struct TapBackendTests {
    static func settings(_ name: String, queues: Int = 1) -> TapBackend.Settings {
        var result = TapBackend.Settings()
        result.name = name
        result.queuePairs = queues
        return result
    }

    @Test func offersWhatTheKernelDoes() throws {
        let tap = try TapBackend(Self.settings("rvtest%d", queues: 2))
        #expect(tap.name.hasPrefix("rvtest") && !tap.name.contains("%"))
        #expect(tap.traits.hasHeader && tap.traits.queuePairs == 2)
        #expect(tap.traits.offloads.isSuperset(of: [.csum, .guestCsum, .hostTSO4, .guestTSO4, .hostTSO6, .guestTSO6]))
    }

    @Test func secondUserIsRefused() throws {
        let first = try TapBackend(Self.settings("rvtest%d"))
        let error = #expect(throws: BackendError.self) { try TapBackend(Self.settings(first.name)) }
        #expect(error == .host("the tap interface \(first.name) is in use by another process"))
        #expect(throws: BackendError.self) { try TapBackend(Self.settings(first.name, queues: 2)) }
    }

    @Test func passedDescriptors() throws {
        var settings = TapBackend.Settings()
        settings.descriptors = [1000]
        #expect(throws: BackendError.self) { try TapBackend(settings) }
        settings.descriptors = [host_eventfd()]
        #expect(throws: BackendError.self) { try TapBackend(settings) }
        var name = [CChar](repeating: 0, count: Int(HOST_TAP_NAME_SIZE))
        settings.descriptors = [host_tap_open(&name, false)]
        let tap = try TapBackend(settings)
        #expect(tap.traits.hasHeader && tap.name == String(decoding: name.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self))
    }

    @Test func scriptIsRunWithTheName() throws {
        let script = NSTemporaryDirectory() + "rvkvm-script-\(UUID().uuidString)"
        let output = script + ".out"
        defer {
            unlink(script)
            unlink(output)
        }
        try "#!/bin/sh\necho \"$1\" > \(output)\n".write(toFile: script, atomically: false, encoding: .utf8)
        _ = chmod(script, 0o755)
        var settings = Self.settings("rvtest%d")
        settings.script = script
        let tap = try TapBackend(settings)
        #expect(try String(contentsOfFile: output, encoding: .utf8) == tap.name + "\n")
        try "#!/bin/sh\nexit 3\n".write(toFile: script, atomically: false, encoding: .utf8)
        let error = #expect(throws: BackendError.self) { try TapBackend(settings) }
        #expect(error == .host("the script \(script) ended with status 3"))
        unlink(script)
        #expect(throws: BackendError.self) { try TapBackend(settings) }
    }

    @Test func interfaceThatIsDownTakesFramesAndHoldsNobody() throws {
        let bench = StreamBackendTests.Bench(try TapBackend(Self.settings("rvtest%d")))
        #expect(bench.isUp)
        let transmit = bench.session.scripted[1]
        for _ in 0 ..< 300 { transmit.offer(readable: [NetTransmitTests.header(), Frames.plain()]) }
        #expect(bench.run { transmit.used.count == 300 })
    }

    @Test(.enabled(if: access("/sbin/ip", X_OK) == 0)) func interfaceThatIsRemovedTakesTheLinkDown() throws {
        let tap = try TapBackend(Self.settings("rvtest%d"))
        let bench = StreamBackendTests.Bench(tap)
        for _ in 0 ..< 100 { bench.session.scripted[0].offer(writable: [1600]) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "ip link delete \(tap.name)"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        #expect(bench.run { !bench.isUp })
        // The dead descriptor isn't asked again and again.
        let polls = PollSet()
        _ = bench.worker.prepare(polls)
        let transmit = bench.session.scripted[1]
        transmit.offer(readable: [NetTransmitTests.header(), Frames.plain()])
        #expect(bench.run { transmit.used.count == 1 })
    }
}
