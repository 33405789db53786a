import Backends
import CHost
import Foundation
import Testing
import VirtIO

/// The real libslirp, with a guest that is made of frames by hand.
@Suite(.serialized) struct UserNetworkTests {
    @Test func dhcpGivesAddressGatewayAndName() throws {
        var network = UserNetwork()
        network.hostname = "little-guest"
        let guest = try Guest(network)
        let answer = try #require(guest.dhcp(type: 1))
        #expect(answer.address == [10, 0, 2, 15])
        #expect(answer.options[53] == [2] && answer.options[1] == [255, 255, 255, 0])
        #expect(answer.options[3] == [10, 0, 2, 2] && answer.options[6] == [10, 0, 2, 3])
        #expect(answer.options[12].map { String(decoding: $0, as: UTF8.self) } == "little-guest")
        #expect(try #require(guest.dhcp(type: 3)).options[53] == [5])
    }

    @Test func otherNetworks() throws {
        var network = UserNetwork()
        network.network = 0xC0A8_6400
        network.prefixLength = 22
        let guest = try Guest(network)
        let answer = try #require(guest.dhcp(type: 1))
        #expect(answer.address == [192, 168, 100, 15] && answer.options[1] == [255, 255, 252, 0])
    }

    @Test func gatewayAnswersARPAndSaysItsFramesAreChecked() throws {
        let guest = try Guest(UserNetwork())
        guest.send(Ethernet.arp(for: [10, 0, 2, 2]))
        let reply = try #require(guest.wait { $0[12] == 8 && $0[13] == 6 && $0[21] == 2 })
        #expect(Array(reply[28 ..< 32]) == [10, 0, 2, 2])
        #expect(guest.allWereChecked)
    }

    @Test func forwardedPortReachesTheGuestAndBack() throws {
        let port = try freePort()
        var network = UserNetwork()
        network.forwards = [.init(isUDP: false, hostAddress: 0x7F00_0001, hostPort: port, guestAddress: 0, guestPort: 22)]
        let guest = try Guest(network)
        // So that libslirp knows whose the address is.
        _ = guest.dhcp(type: 1)
        _ = guest.dhcp(type: 3)
        let client = try connect(to: port)
        defer { close(client) }
        let stream = try #require(guest.accept(port: 22))
        #expect(write(client, "hello", 5) == 5)
        #expect(guest.receive(stream, 5) == Array("hello".utf8))
        let long = (0 ..< 40_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        // One segment, far longer than the link's MTU.
        guest.transmit(stream, long)
        var got: [UInt8] = []
        #expect(guest.run {
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = recv(client, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            got += bytes.prefix(max(0, count))
            return got.count >= long.count
        })
        #expect(got == long)
    }

    @Test func forwardedDatagramsReachTheGuest() throws {
        let port = try freePort()
        var network = UserNetwork()
        network.forwards = [.init(isUDP: true, hostAddress: 0x7F00_0001, hostPort: port, guestAddress: 0x0A00_020F, guestPort: 53)]
        let guest = try Guest(network)
        _ = guest.dhcp(type: 1)
        _ = guest.dhcp(type: 3)
        let client = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(client) }
        var address = loopback(port)
        let sent = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(client, "ping", 4, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(sent == 4)
        let frame = try #require(guest.wait { Ethernet.isIPv4($0, protocol: 17) && Ethernet.half($0, 36) == 53 })
        #expect(Array(frame[42 ..< 46]) == Array("ping".utf8))
    }

    @Test func portInUseIsRefusedByName() throws {
        let port = try freePort()
        var network = UserNetwork()
        for isUDP in [false, true] {
            network.forwards = [.init(isUDP: isUDP, hostAddress: 0x7F00_0001, hostPort: port, guestAddress: 0, guestPort: 22)]
            let first = try LibraryBackends().makeUserNetwork(network)
            let error = #expect(throws: BackendError.self) { try LibraryBackends().makeUserNetwork(network) }
            var text = ""
            if case .host(let reason) = error { text = reason }
            #expect(text.contains("\(isUDP ? "UDP" : "TCP") port \(port) of 127.0.0.1: ") && text.contains("ddress already in use"))
            withExtendedLifetime(first) {}
        }
        // It is free again with the network that had it.
        network.forwards[0].isUDP = false
        _ = try LibraryBackends().makeUserNetwork(network)
    }

    @Test func guestWithoutRoomIsNotServed() throws {
        let port = try freePort()
        var network = UserNetwork()
        network.forwards = [.init(isUDP: false, hostAddress: 0x7F00_0001, hostPort: port, guestAddress: 0, guestPort: 22)]
        let guest = try Guest(network)
        _ = guest.dhcp(type: 1)
        _ = guest.dhcp(type: 3)
        guest.canReceive = false
        let client = try connect(to: port)
        defer { close(client) }
        for _ in 0 ..< 20 { guest.turn() }
        #expect(guest.frames.isEmpty)
        guest.canReceive = true
        #expect(guest.accept(port: 22) != nil)
    }

    @Test func hostileFramesAreSurvived() throws {
        let guest = try Guest(UserNetwork())
        var random = SystemRandomNumberGenerator()
        for round in 0 ..< 20_000 {
            var frame = round & 1 == 0 ? Ethernet.arp(for: [10, 0, 2, 2]) : Ethernet.dhcp(type: 1)
            for _ in 0 ..< 3 { frame[Int.random(in: 0 ..< frame.count, using: &random)] = UInt8.random(in: 0 ... 255, using: &random) }
            frame.removeLast(Int.random(in: 0 ..< frame.count - 14, using: &random))
            guest.send(frame)
            if round % 1000 == 0 { guest.turn() }
            guest.frames = []
        }
        #expect(guest.dhcp(type: 1) != nil)
    }

    @Test func survivesADeviceThatComesAndGoes() throws {
        let guest = try Guest(UserNetwork())
        for _ in 0 ..< 5 {
            guest.reattach()
            #expect(guest.dhcp(type: 1) != nil)
        }
    }

    // MARK: The host's side

    func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }

    func connect(to port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
        return descriptor
    }
}
