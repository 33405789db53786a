import CHost
import Devices
import VirtIO

/// A queue without rings: buffers go in as chains, and come out with what the device wrote.
final class PlainQueue: VirtQueue, @unchecked Sendable {
    let index = 0
    let size = 256
    let doorbell = host_eventfd()
    private let mutex = host_mutex_create()
    private let changed = host_cond_create()
    private var available: [DescriptorChain] = []
    private var last: DescriptorChain?
    private var used: [UInt32: Int] = [:]
    private(set) var signals = 0

    deinit { host_close(doorbell) }

    private func locked<T>(_ body: () -> T) -> T {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return body()
    }

    func pop() throws(VirtQueueError) -> DescriptorChain? {
        locked {
            last = available.isEmpty ? nil : available.removeFirst()
            return last
        }
    }
    func unpop() { locked { if let last { available.insert(last, at: 0) } } }
    func push(_ chain: DescriptorChain, written: Int) { locked { used[chain.token] = written } }
    func signal() {
        locked {
            signals += 1
            host_cond_broadcast(changed)
        }
    }
    func wantNotifications(_ wanted: Bool) -> Bool { locked { wanted && !available.isEmpty } }

    func offer(_ chains: [DescriptorChain]) {
        locked { available += chains }
        host_eventfd_signal(doorbell)
    }
    /// Waits for a buffer to come back: what the device says it wrote.
    func wait(for token: UInt32) -> Int {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        while true {
            if let written = used.removeValue(forKey: token) { return written }
            host_cond_wait(changed, mutex)
        }
    }
    var usedCount: Int { locked { used.count } }
}

final class PlainSession: VirtIOSession, @unchecked Sendable {
    let acceptedFeatures: UInt64
    let queues: [(any VirtQueue)?]
    private let mutex = host_mutex_create()
    private let changed = host_cond_create()
    private var failure: VirtQueueError?

    init(features: UInt64, queues: [PlainQueue]) {
        acceptedFeatures = features
        self.queues = queues
    }
    func configurationChanged() {}
    func fail(_ error: VirtQueueError) {
        host_mutex_lock(mutex)
        failure = error
        host_cond_broadcast(changed)
        host_mutex_unlock(mutex)
    }
    func waitForFailure() -> VirtQueueError {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        while true {
            if let failure { return failure }
            host_cond_wait(changed, mutex)
        }
    }
}

/// A block device with one queue, and requests made of bytes.
final class BlockBench: @unchecked Sendable {
    let device: BlockDevice
    let queue = PlainQueue()
    let session: PlainSession
    private var token: UInt32 = 0

    /// - Parameter features: what the driver accepts; all of the device's by default
    init(_ backend: any BlockBackend, serial: String = "", features: UInt64? = nil) {
        device = BlockDevice(backend, serial: Array(serial.utf8))
        session = PlainSession(features: features ?? device.features, queues: [queue])
        device.start(session)
    }

    deinit { device.stop() }

    struct Answer: Equatable {
        var status: UInt8?
        var data: [UInt8]
        var written: Int
    }

    static func header(_ type: UInt32, _ sector: UInt64 = 0) -> [UInt8] {
        little(UInt64(type), 4) + little(0, 4) + little(sector, 8)
    }

    static func range(_ sector: UInt64, _ count: UInt32, flags: UInt32 = 0) -> [UInt8] {
        little(sector, 8) + little(UInt64(count), 4) + little(UInt64(flags), 4)
    }

    static func little(_ value: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    /// Sends `readable`, with `room` bytes for data and one for the status, each part cut into pieces of at most
    /// `piece` bytes.
    func request(_ readable: [UInt8], room: Int = 0, piece: Int = .max) -> Answer {
        token += 1
        let memory = UnsafeMutableRawPointer.allocate(byteCount: readable.count + room + 1, alignment: 4096)
        defer { memory.deallocate() }
        readable.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: readable.count) }
        let back = memory + readable.count
        back.initializeMemory(as: UInt8.self, repeating: 0xEE, count: room + 1)
        queue.offer([
            DescriptorChain(
                token: token, readable: Self.cut(memory, readable.count, piece), writable: Self.cut(back, room + 1, piece))
        ])
        let written = queue.wait(for: token)
        let status = back.load(fromByteOffset: room, as: UInt8.self)
        return Answer(
            status: status == 0xEE ? nil : status, data: [UInt8](UnsafeRawBufferPointer(start: back, count: room)), written: written)
    }

    private static func cut(_ base: UnsafeMutableRawPointer, _ count: Int, _ piece: Int) -> [BufferSegment] {
        stride(from: 0, to: count, by: min(piece, max(count, 1))).map {
            BufferSegment(base: base + $0, count: min(piece, count - $0))
        }
    }

    func read(_ sector: UInt64, _ sectors: Int, piece: Int = .max) -> Answer {
        request(Self.header(BlockRequestType.read, sector), room: sectors * 512, piece: piece)
    }
    func write(_ sector: UInt64, _ data: [UInt8], piece: Int = .max) -> Answer {
        request(Self.header(BlockRequestType.write, sector) + data, piece: piece)
    }
}

/// A disk in memory, on which failures can be ordered.
final class MemoryBackend: BlockBackend, @unchecked Sendable {
    private let lock = Lock()
    private var bytes: [UInt8]
    private var log: [String] = []
    private var failing: String?
    private var held: [() -> Void]?
    let isReadOnly: Bool

    init(sectors: Int, isReadOnly: Bool = false) {
        bytes = [UInt8](repeating: 0, count: sectors * 512)
        self.isReadOnly = isReadOnly
    }

    var size: UInt64 { UInt64(bytes.count) }
    var physicalBlockSize: UInt32 { 4096 }
    var canDiscard: Bool { true }
    var content: [UInt8] {
        get { lock.withLock { bytes } }
        set { lock.withLock { bytes = newValue } }
    }
    /// What was asked for since the last call.
    func takeLog() -> [String] {
        lock.withLock {
            defer { log = [] }
            return log
        }
    }
    /// Operations of that name fail from now on.
    func fail(_ name: String?) { lock.withLock { failing = name } }
    /// Completions wait until `release`.
    func hold() { lock.withLock { held = [] } }
    func release() {
        let all = lock.withLock { () -> [() -> Void] in
            defer { held = nil }
            return held ?? []
        }
        for one in all { one() }
    }
    var heldCount: Int { lock.withLock { held?.count ?? 0 } }

    func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) {
        lock.lock()
        let name = perform(operation)
        log.append(name)
        let ok = failing != String(name.prefix { $0 != " " })
        if held != nil {
            held?.append { done(ok) }
            lock.unlock()
            return
        }
        lock.unlock()
        done(ok)
    }
    func commit() {}
    func close() {}

    private func perform(_ operation: BlockOperation) -> String {
        switch operation {
        case .read(let offset, let segments):
            var at = Int(offset)
            for s in segments {
                bytes.withUnsafeBytes { s.base.copyMemory(from: $0.baseAddress! + at, byteCount: s.count) }
                at += s.count
            }
            return "read \(offset) \(at - Int(offset))"
        case .write(let offset, let segments):
            var at = Int(offset)
            for s in segments {
                bytes.replaceSubrange(at..<at + s.count, with: UnsafeRawBufferPointer(start: s.base, count: s.count))
                at += s.count
            }
            return "write \(offset) \(at - Int(offset))"
        case .flush: return "flush"
        case .discard(let offset, let count): return "discard \(offset) \(count)"
        case .writeZeroes(let offset, let count, let mayUnmap):
            for i in Int(offset)..<Int(offset + count) { bytes[i] = 0 }
            return "zero \(offset) \(count)\(mayUnmap ? " unmap" : "")"
        }
    }
}
