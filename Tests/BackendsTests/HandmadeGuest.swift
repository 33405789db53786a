import Backends
import CHost
import Testing
import VirtIO

/// A guest at the end of a user network: frames by hand, and no more of TCP than a test needs.
final class Guest: NetworkReceiver {
    struct DHCPAnswer {
        var address: [UInt8]
        var options: [UInt8: [UInt8]]
    }

    struct Stream {
        var request: [UInt8]
        var guestPort: UInt16
        /// What the guest sends next, and expects next.
        var next: UInt32
        var expected: UInt32
    }

    let backend: any NetworkBackend
    var frames: [[UInt8]] = []
    var canReceive = true
    var allWereChecked = true
    private var sent: UInt32 = 1
    private let polls = PollSet()

    init(_ network: UserNetwork) throws {
        backend = try LibraryBackends().makeUserNetwork(network)
        backend.attach(self, [])
    }

    func reattach() {
        backend.detach()
        frames = []
        backend.attach(self, [])
    }

    // MARK: NetworkReceiver

    func hasRoom(pair: Int) -> Bool { canReceive }

    func receive(_ frame: UnsafeRawBufferPointer, pair: Int, isChecked: Bool) {
        frames.append(Array(frame))
        allWereChecked = allWereChecked && isChecked
    }

    func room(pair: Int) -> UnsafeBufferPointer<host_iovec>? { nil }
    func received(_ count: Int, pair: Int) {}
    func linkChanged(isUp: Bool) {}

    // MARK: Driving

    func turn() {
        polls.removeAll()
        let timeout = backend.prepare(polls)
        polls.wait(timeout < 0 ? 10 : min(timeout, 10))
        backend.service(polls)
    }

    func run(until condition: () -> Bool) -> Bool {
        let deadline = host_clock_monotonic_ns() + 10_000_000_000
        while !condition() {
            if host_clock_monotonic_ns() > deadline { return false }
            turn()
        }
        return true
    }

    func send(_ frame: [UInt8]) {
        var frame = frame
        frame.withUnsafeMutableBytes { bytes in
            let stretch = host_iovec(base: bytes.baseAddress, count: bytes.count)
            withUnsafePointer(to: stretch) {
                #expect(backend.send(UnsafeBufferPointer(start: $0, count: 1), pair: 0) == .done)
            }
        }
        backend.flush(pair: 0)
    }

    /// The next frame of that kind; requests for the guest's address are answered meanwhile.
    func wait(_ isWanted: ([UInt8]) -> Bool) -> [UInt8]? {
        var result: [UInt8]?
        _ = run {
            while !frames.isEmpty, result == nil {
                let frame = frames.removeFirst()
                if isWanted(frame) { result = frame } else { answerARP(frame) }
            }
            return result != nil
        }
        return result
    }

    private func answerARP(_ frame: [UInt8]) {
        guard frame.count >= 42, frame[12] == 8, frame[13] == 6, frame[21] == 1, Array(frame[38 ..< 42]) == Ethernet.guestIP else { return }
        send(Ethernet.arpReply(to: frame))
    }

    func dhcp(type: UInt8) -> DHCPAnswer? {
        send(Ethernet.dhcp(type: type))
        guard let frame = wait({ Ethernet.isIPv4($0, protocol: 17) && Ethernet.half($0, 36) == 68 }) else { return nil }
        var options: [UInt8: [UInt8]] = [:]
        // Behind Ethernet, IP, UDP, the fixed part and the cookie.
        var place = 14 + 20 + 8 + 240
        while place + 1 < frame.count, frame[place] != 255 {
            let length = Int(frame[place + 1])
            options[frame[place]] = Array(frame[place + 2 ..< place + 2 + length])
            place += 2 + length
        }
        return DHCPAnswer(address: Array(frame[58 ..< 62]), options: options)
    }

    // MARK: TCP

    func accept(port: UInt16) -> Stream? {
        guard let request = wait({ Ethernet.isIPv4($0, protocol: 6) && Ethernet.half($0, 36) == port && $0[47] & 0x3F == 0x02 })
        else { return nil }
        var stream = Stream(request: request, guestPort: port, next: 5000, expected: Ethernet.word(request, 38) &+ 1)
        send(Ethernet.tcpReply(to: stream, flags: 0x12, []))
        stream.next += 1
        guard wait({ Ethernet.isIPv4($0, protocol: 6) && $0[47] & 0x3F == 0x10 }) != nil else { return nil }
        return stream
    }

    func receive(_ stream: Stream, _ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count {
            guard let frame = wait({ Ethernet.isIPv4($0, protocol: 6) && $0.count > 54 && Ethernet.word($0, 38) == stream.expected })
            else { break }
            result += frame[54 ..< 14 + Ethernet.half(frame, 16)]
        }
        return result
    }

    func transmit(_ stream: Stream, _ bytes: [UInt8]) { send(Ethernet.tcpReply(to: stream, flags: 0x18, bytes)) }
}

enum Ethernet {
    static let guestIP: [UInt8] = [10, 0, 2, 15]
    private static let guest: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56]
    private static let everyone = [UInt8](repeating: 0xFF, count: 6)

    static func half(_ frame: [UInt8], _ place: Int) -> Int { Int(frame[place]) << 8 | Int(frame[place + 1]) }
    static func word(_ frame: [UInt8], _ place: Int) -> UInt32 { UInt32(half(frame, place)) << 16 | UInt32(half(frame, place + 2)) }
    static func bytes(_ value: UInt32) -> [UInt8] { (0 ..< 4).map { UInt8(value >> UInt32(24 - 8 * $0) & 0xFF) } }

    static func isIPv4(_ frame: [UInt8], protocol number: UInt8) -> Bool {
        frame.count >= 42 && frame[12] == 8 && frame[13] == 0 && frame[23] == number
    }

    static func arp(for address: [UInt8]) -> [UInt8] {
        everyone + guest + [8, 6, 0, 1, 8, 0, 6, 4, 0, 1] + guest + guestIP + [0, 0, 0, 0, 0, 0] + address + [UInt8](repeating: 0, count: 18)
    }

    static func arpReply(to request: [UInt8]) -> [UInt8] {
        let asker = Array(request[22 ..< 28])
        return asker + guest + [8, 6, 0, 1, 8, 0, 6, 4, 0, 2] + guest + guestIP + asker + request[28 ..< 32]
    }

    static func dhcp(type: UInt8) -> [UInt8] {
        var message: [UInt8] = [1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0x80, 0] + [UInt8](repeating: 0, count: 16) + guest
        message += [UInt8](repeating: 0, count: 240 - 4 - message.count) + [99, 130, 83, 99, 53, 1, type]
        if type == 3 { message += [50, 4] + guestIP }
        message.append(255)
        let length = UInt16(8 + message.count)
        let udp: [UInt8] = [0, 68, 0, 67, UInt8(length >> 8), UInt8(length & 0xFF), 0, 0]
        return everyone + guest + [8, 0] + ip(17, from: [0, 0, 0, 0], to: [255, 255, 255, 255], udp + message)
    }

    static func tcpReply(to stream: Guest.Stream, flags: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let request = stream.request
        var segment = Array(request[36 ..< 38]) + Array(request[34 ..< 36]) + bytes(stream.next) + bytes(stream.expected)
        segment += [0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0] + payload
        let to = Array(request[26 ..< 30])
        let sum = checksum(guestIP + to + [0, 6, UInt8(segment.count >> 8), UInt8(segment.count & 0xFF)] + segment)
        (segment[16], segment[17]) = (sum[0], sum[1])
        return Array(request[6 ..< 12]) + guest + [8, 0] + ip(6, from: guestIP, to: to, segment)
    }

    private static func ip(_ number: UInt8, from: [UInt8], to: [UInt8], _ payload: [UInt8]) -> [UInt8] {
        let length = 20 + payload.count
        var header: [UInt8] = [0x45, 0, UInt8(length >> 8), UInt8(length & 0xFF), 0, 1, 0, 0, 64, number, 0, 0] + from + to
        let sum = checksum(header)
        (header[10], header[11]) = (sum[0], sum[1])
        return header + payload
    }

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var sum: UInt32 = 0
        for (place, byte) in bytes.enumerated() { sum += place & 1 == 0 ? UInt32(byte) << 8 : UInt32(byte) }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return [UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF)]
    }
}
