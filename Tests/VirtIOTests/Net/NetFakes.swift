import CHost
import Synchronization
import VirtIO

/// A queue whose driver is the test: what is offered is popped, what is pushed can be looked at.
final class ScriptedQueue: VirtQueue, @unchecked Sendable {
    let index: Int
    let size: Int
    let doorbell: Int32
    private var offered: [DescriptorChain] = []
    private var next = 0
    private(set) var used: [(token: UInt32, written: Int)] = []
    private(set) var signals = 0
    private(set) var isWanted = true
    /// Thrown by the next pop.
    var failure: VirtQueueError?
    private var blocks: [UInt32: [UnsafeMutableRawBufferPointer]] = [:]
    private var token: UInt32 = 0

    init(index: Int, size: Int = 256) {
        self.index = index
        self.size = size
        doorbell = host_eventfd()
    }

    deinit {
        for block in blocks.values.joined() { block.deallocate() }
        host_close(doorbell)
    }

    /// Makes a buffer available with these stretches, and rings; the token names it.
    @discardableResult
    func offer(readable: [[UInt8]] = [], writable: [Int] = []) -> UInt32 {
        token += 1
        let inputs = readable.filter { !$0.isEmpty }.map { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            memory.copyBytes(from: bytes)
            return memory
        }
        let outputs = writable.map { count in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
            return memory
        }
        blocks[token] = inputs + outputs
        func segments(_ list: [UnsafeMutableRawBufferPointer]) -> [BufferSegment] {
            list.map { BufferSegment(base: $0.baseAddress!, count: $0.count) }
        }
        offered.append(DescriptorChain(token: token, readable: segments(inputs), writable: segments(outputs)))
        if isWanted { host_eventfd_signal(doorbell) }
        return token
    }

    /// The bytes of a buffer, readable ones first.
    func bytes(_ token: UInt32) -> [UInt8] { (blocks[token] ?? []).flatMap { Array($0) } }

    /// The buffers handed back since the last call, cut to what was written.
    func takeUsed() -> [[UInt8]] {
        defer { used = [] }
        return used.map { Array(bytes($0.token).prefix($0.written)) }
    }

    var waiting: Int { offered.count - next }

    func pop() throws(VirtQueueError) -> DescriptorChain? {
        if let failure {
            self.failure = nil
            throw failure
        }
        guard next < offered.count else { return nil }
        next += 1
        return offered[next - 1]
    }

    func unpop() { next -= 1 }

    func push(_ chain: DescriptorChain, written: Int) {
        precondition(written <= chain.writableCount, "more written than there is room")
        used.append((chain.token, written))
    }

    func signal() { signals += 1 }

    func wantNotifications(_ wanted: Bool) -> Bool {
        isWanted = wanted
        return wanted && next < offered.count
    }
}

/// A driver that is up, with the queues of a network device.
final class ScriptedSession: VirtIOSession, @unchecked Sendable {
    let acceptedFeatures: UInt64
    let queues: [(any VirtQueue)?]
    let scripted: [ScriptedQueue]
    private let lock = Mutex((failures: [VirtQueueError](), changes: 0))

    init(_ features: NetworkFeatures, pairs: Int = 1) {
        acceptedFeatures = features.rawValue
        scripted = (0 ..< 2 * pairs + 1).map { ScriptedQueue(index: $0) }
        queues = scripted.map { $0 }
    }

    func configurationChanged() { lock.withLock { $0.changes += 1 } }
    func fail(_ error: VirtQueueError) { lock.withLock { $0.failures.append(error) } }

    var failures: [VirtQueueError] { lock.withLock { $0.failures } }
    var changes: Int { lock.withLock { $0.changes } }
}

/// A back end that remembers what was sent and hands over what the test gives it.
final class ScriptedBackend: NetworkBackend, @unchecked Sendable {
    var traits: NetworkTraits
    var receiver: (any NetworkReceiver)?
    var sent: [(pair: Int, bytes: [UInt8])] = []
    var isFull = false
    var flushes = 0
    var activePairs = 0
    var offloads: NetworkFeatures = []
    /// Frames from the network: with headers if `traits.hasHeader`.
    var inbox: [[UInt8]] = []
    var isChecked = false

    init(_ traits: NetworkTraits) { self.traits = traits }

    func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures) { self.receiver = receiver }
    func detach() { receiver = nil }
    func setGuestOffloads(_ offloads: NetworkFeatures) { self.offloads = offloads }
    func setActivePairs(_ count: Int) { activePairs = count }
    func prepare(_ polls: PollSet) -> Int32 {
        _ = receiver?.hasRoom(pair: 0)
        return -1
    }

    func service(_ polls: PollSet) {
        while let frame = inbox.first, let receiver {
            if traits.hasHeader {
                guard let room = receiver.room(pair: 0) else { return }
                var done = 0
                for stretch in room where done < frame.count {
                    let part = min(stretch.count, frame.count - done)
                    frame.withUnsafeBytes { host_copy(stretch.base!, $0.baseAddress! + done, part) }
                    done += part
                }
                receiver.received(frame.count, pair: 0)
            } else {
                guard receiver.hasRoom(pair: 0) else { return }
                frame.withUnsafeBytes { receiver.receive($0, pair: 0, isChecked: isChecked) }
            }
            inbox.removeFirst()
        }
    }

    func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult {
        if isFull { return .full }
        sent.append((pair, frame.flatMap { Array(UnsafeRawBufferPointer(start: $0.base, count: $0.count)) }))
        return .done
    }

    func flush(pair: Int) { flushes += 1 }
    func canSend(pair: Int) -> Bool { !isFull }
}

/// A device at work whose thread is the test's.
final class NetworkBench {
    static let ownAddress: UInt64 = 0x5254_0012_3456

    let session: ScriptedSession
    let backend: ScriptedBackend
    let state: NetworkState
    let worker: NetworkWorker
    private let polls = PollSet()

    init(_ features: NetworkFeatures, traits: NetworkTraits = NetworkTraits(), pairs: Int = 1, mtu: UInt16? = nil) {
        session = ScriptedSession(features, pairs: pairs)
        backend = ScriptedBackend(traits)
        state = NetworkState(address: Self.ownAddress, mtu: mtu, pairs: UInt16(pairs))
        worker = NetworkWorker(session, backend, state, offered: NetworkFeatures(rawValue: .max))
        worker.begin()
        turn()
    }

    var receive: ScriptedQueue { session.scripted[0] }
    var transmit: ScriptedQueue { session.scripted[1] }
    var control: ScriptedQueue { session.scripted[session.scripted.count - 1] }

    /// Once around the device's loop.
    func turn() {
        polls.removeAll()
        _ = worker.prepare(polls)
        polls.wait(0)
        worker.service(polls)
    }

    /// Runs a control command and gives its answer.
    func command(_ bytes: [UInt8]) -> UInt8? {
        let token = control.offer(readable: [bytes], writable: [1])
        turn()
        return control.bytes(token).last
    }
}

/// Ethernet frames for tests.
enum Frames {
    static func plain(to target: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56], count: Int = 60) -> [UInt8] {
        var frame = target + [2, 0, 0, 0, 0, 1, 0x88, 0xB5]
        while frame.count < count { frame.append(UInt8(truncatingIfNeeded: frame.count &* 7)) }
        return frame
    }

    /// A TCP segment with right lengths and checksums.
    static func tcp(
        isIPv6: Bool = false, sequence: UInt32 = 1000, flags: UInt8 = 0x10, options: [UInt8] = [], window: UInt16 = 500,
        payload: [UInt8]
    ) -> [UInt8] {
        var frame: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56, 2, 0, 0, 0, 0, 1]
        let headerLength = 20 + options.count
        if isIPv6 {
            frame += [0x86, 0xDD, 0x60, 0, 0, 0, 0, 0, 6, 64]
            frame += [0xFE, 0xC0] + [UInt8](repeating: 0, count: 13) + [2]
            frame += [0xFE, 0xC0] + [UInt8](repeating: 0, count: 13) + [15]
        } else {
            frame += [0x08, 0, 0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15]
        }
        frame += [0, 80, 0xC0, 0, UInt8(sequence >> 24), UInt8(sequence >> 16 & 0xFF), UInt8(sequence >> 8 & 0xFF), UInt8(sequence & 0xFF)]
        frame += [0, 0, 0, 9, UInt8(headerLength * 4), flags, UInt8(window >> 8), UInt8(window & 0xFF), 0, 0, 0, 0]
        frame += options + payload
        frame.withUnsafeMutableBytes { bytes in
            let tcp = TCPFrame(UnsafeRawBufferPointer(bytes), trustsLength: false)!
            tcp.finishIP(bytes)
            tcp.finishTCP(bytes)
        }
        return frame
    }

    static func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
        (start ..< start + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    /// The sum that a right checksum makes 0xFFFF, word by word in network order: written apart from the code
    /// under test.
    static func slowSum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var sum: UInt32 = 0
        var high: UInt8?
        for byte in bytes {
            if let first = high {
                sum += UInt32(first) << 8 | UInt32(byte)
                high = nil
            } else { high = byte }
            if sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        }
        if let high { sum += UInt32(high) << 8 }
        return sum > 0xFFFF ? (sum & 0xFFFF) + (sum >> 16) : sum
    }

    /// Whether an IP header's and a TCP or UDP segment's checksum are right.
    static func isSound(_ frame: [UInt8]) -> Bool {
        if frame[12] == 0x08 {
            let header = Int(frame[14] & 15) * 4
            let length = Int(frame[16]) << 8 | Int(frame[17])
            guard length + 14 <= frame.count, slowSum(frame[14 ..< 14 + header]) == 0xFFFF else { return false }
            let segment = frame[14 + header ..< 14 + length]
            let pseudo = Array(frame[26 ..< 34]) + [0, frame[23], UInt8(segment.count >> 8), UInt8(segment.count & 0xFF)]
            return slowSum(pseudo + segment) == 0xFFFF
        }
        let length = Int(frame[18]) << 8 | Int(frame[19])
        guard length + 54 <= frame.count else { return false }
        let segment = frame[54 ..< 54 + length]
        let pseudo = Array(frame[22 ..< 54]) + [0, 0, UInt8(length >> 8), UInt8(length & 0xFF), 0, 0, 0, frame[20]]
        return slowSum(pseudo + segment) == 0xFFFF
    }
}
