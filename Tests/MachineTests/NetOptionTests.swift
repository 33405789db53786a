import Machine
import Testing
import VirtIO

/// --net and what it takes.
@Suite struct NetOptionTests {
    func parse(_ text: String) throws(MachineError) -> NetOption { try NetOption(Setting(text, origin: "--net")) }

    func refusal(_ text: String) -> String? {
        do throws(MachineError) {
            _ = try parse(text)
            return nil
        } catch {
            #expect(error.kind == .usage)
            return error.message
        }
    }

    static func user(_ option: NetOption) -> UserNetwork? {
        if case .user(let network) = option.kind { network } else { nil }
    }

    @Test func userNetworkAsQEMUHasIt() throws {
        let option = try parse("user")
        #expect(option.kind == .user(UserNetwork()) && option.queuePairs == 1 && option.address == nil && option.mtu == nil)
    }

    @Test func userNetworkWithEverything() throws {
        let option = try parse(
            "user,net=192.168.4.0/22,hostname=g1,restrict=on,mac=52:54:00:AB:cd:ef,mtu=65520,queues=2,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp::53-10.0.2.20:5353")
        let network = try #require(Self.user(option))
        #expect(network.network == 0xC0A8_0400 && network.prefixLength == 22 && network.hostname == "g1" && network.isRestricted)
        #expect(option.address == 0x5254_00AB_CDEF && option.mtu == 65520 && option.queuePairs == 2)
        #expect(network.mtu == 65520 && network.queuePairs == 2)
        #expect(network.forwards == [
            .init(isUDP: false, hostAddress: 0x7F00_0001, hostPort: 2222, guestAddress: 0, guestPort: 22),
            .init(isUDP: true, hostAddress: 0, hostPort: 53, guestAddress: 0x0A00_0214, guestPort: 5353),
        ])
    }

    @Test func tap() throws {
        var settings = TapBackend.Settings()
        #expect(try parse("tap").kind == .tap(settings))
        settings.name = "tap0"
        settings.script = "/etc/up"
        settings.queuePairs = 4
        #expect(try parse("tap,ifname=tap0,script=/etc/up,queues=4").kind == .tap(settings))
        let passed = try parse("tap,fd=5:6")
        settings = TapBackend.Settings()
        settings.descriptors = [5, 6]
        #expect(passed.kind == .tap(settings) && passed.queuePairs == 2)
    }

    @Test func stream() throws {
        #expect(try parse("unix:/run/a,,b,mtu=68").kind == .stream(path: "/run/a,b"))
        #expect(try parse("unix:x,queues=16").queuePairs == 16)
    }

    @Test(arguments: [
        "", "users", "tap:x", "unix", "unix:", "user,ifname=x", "tap,hostfwd=tcp::1-:1", "unix:x,fd=3", "user,mac=52:54:00:12:34",
        "user,mac=52:54:00:12:34:5g", "user,mac=1:2:3:4:5:6", "user,mac=01:00:00:00:00:00", "user,mac=00:00:00:00:00:00",
        "user,mac=52:54:00:12:34:56:78", "user,mtu=67", "user,mtu=65536", "user,mtu=x", "user,queues=0", "user,queues=17",
        "user,net=10.0.2.0", "user,net=10.0.2.1/24", "user,net=10.0.2.0/29", "user,net=10.0.0.0/7", "user,net=10.0.256.0/24",
        "user,net=10.0.2/24", "user,hostname=a b", "user,hostname=abcdefghijklmnopqrstuvwxyz1234567", "user,hostfwd=", "user,hostfwd=tcp:1-2",
        "user,hostfwd=tcp::1", "user,hostfwd=sctp::1-:1", "user,hostfwd=tcp::0-:1", "user,hostfwd=tcp::1-:0", "user,hostfwd=tcp::65536-:1",
        "user,hostfwd=tcp:localhost:1-:1", "user,hostfwd=tcp::1-:1-:1", "user,hostfwd=tcp::+1-:1", "tap,ifname=abcdefghijklmnop", "tap,ifname=a/b",
        "tap,fd=0", "tap,fd=-1", "tap,fd=5:", "tap,fd=99999999999", "tap,fd=5,ifname=tap0", "tap,fd=5,queues=2",
    ])
    func mistakes(_ text: String) {
        let message = refusal(text)
        #expect(message?.hasPrefix("--net ") == true && message?.contains("\n") == false, "\(text): \(message ?? "taken")")
    }

    @Test func mistakesNameTheWayOut() {
        #expect(refusal("vhost")?.hasSuffix("a network is user, tap or unix:PATH, with its options behind commas") == true)
        #expect(refusal("user,net=10.0.2.7/24")?.hasSuffix("the network is 10.0.2.0/24") == true)
        #expect(refusal("user,hostfwd=2222:22")?.hasSuffix("such as tcp:127.0.0.1:2222-:22") == true)
    }
}
