import CHost
import CUring
import Devices
import VirtIO

/// A raw image through io_uring: as `ThreadedFileBackend`, with fewer system calls and switches between threads.
///
/// What isn't a plain vectored read or write, a short transfer's rest included, goes to the threads, so that there
/// is one place that decides what succeeds.
package final class UringBackend: BlockBackend, @unchecked Sendable {
    private let image: FileImage
    private let threads: ThreadedFileBackend
    private let harvest: UringHarvest

    /// Nil when the kernel refuses a ring, or has one without the operations we need.
    package init?(_ image: FileImage) {
        var error: Int32 = 0
        guard let ring = uring_open(UringHarvest.entries, &error) else { return nil }
        guard uring_is_complete(ring) else {
            uring_close(ring)
            return nil
        }
        do throws(ImageError) {
            threads = try ThreadedFileBackend(image)
        } catch {
            uring_close(ring)
            return nil
        }
        self.image = image
        harvest = UringHarvest(ring, threads)
        guard harvest.start() else { return nil }
    }

    deinit { harvest.close(waits: false) }

    package var size: UInt64 { image.size }
    package var physicalBlockSize: UInt32 { image.physicalBlockSize }
    package var isReadOnly: Bool { image.access.isReadOnly }
    package var canDiscard: Bool { threads.canDiscard }

    package func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) {
        switch operation {
        case .read(let offset, let segments):
            if let descriptor = image.plainDescriptor(segments, at: offset, isWrite: false),
                harvest.submit(URING_READ, descriptor, operation, segments, offset, done)
            {
                return
            }
        case .write(let offset, let segments):
            if let descriptor = image.plainDescriptor(segments, at: offset, isWrite: true),
                harvest.submit(URING_WRITE, descriptor, operation, segments, offset, done)
            {
                return
            }
        case .flush:
            if isReadOnly { return done(true) }
            if harvest.submit(URING_SYNC, image.descriptor, operation, [], 0, done) { return }
        case .discard, .writeZeroes: break
        }
        threads.submit(operation, done)
    }

    package func commit() { harvest.commit() }

    package func close() {
        harvest.close(waits: true)
        threads.close()
    }
}

/// A ring, what is under way in it, and the thread that takes completions.
private final class UringHarvest: @unchecked Sendable {
    static let entries: UInt32 = 256
    private static let mostStretches = 1024

    /// An operation that the kernel has. Its stretches stay until it has completed.
    private struct Flight {
        let operation: BlockOperation
        let stretches: UnsafeMutablePointer<host_stretch>?
        let count: Int
        let done: BlockCompletion
    }

    private let ring: UnsafeMutablePointer<uring>
    private let threads: ThreadedFileBackend
    private let lock = Lock()
    // Guarded by `lock`, as is the submitting side of the ring.
    private var flights: [Flight?] = []
    private var free: [Int] = []
    private var prepared = 0
    private var isClosing = false
    private var thread: OpaquePointer?

    init(_ ring: UnsafeMutablePointer<uring>, _ threads: ThreadedFileBackend) {
        self.ring = ring
        self.threads = threads
    }

    deinit { uring_close(ring) }

    func start() -> Bool {
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<UringHarvest>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-uring", &error)
        if thread == nil { reference.release() }
        return thread != nil
    }

    /// False when the ring can't take it.
    func submit(
        _ kind: uring_operation, _ descriptor: Int32, _ operation: BlockOperation, _ segments: [BufferSegment], _ offset: UInt64,
        _ done: @escaping BlockCompletion
    ) -> Bool {
        guard segments.count <= Self.mostStretches else { return false }
        var stretches: UnsafeMutablePointer<host_stretch>?
        if !segments.isEmpty {
            let memory = UnsafeMutablePointer<host_stretch>.allocate(capacity: segments.count)
            for (i, segment) in segments.enumerated() {
                (memory + i).initialize(to: host_stretch(base: segment.base, count: segment.count))
            }
            stretches = memory
        }
        let flight = Flight(operation: operation, stretches: stretches, count: segments.byteCount, done: done)
        lock.lock()
        defer { lock.unlock() }
        guard !isClosing else {
            stretches?.deallocate()
            return false
        }
        let slot = free.popLast() ?? flights.count
        if slot == flights.count { flights.append(flight) } else { flights[slot] = flight }
        let tag = UInt64(slot) + 1
        func prepare() -> Bool {
            uring_prepare(ring, kind, descriptor, stretches, UInt32(segments.count), offset, tag)
        }
        if !prepare() {
            hand()
            guard prepare() else {
                flights[slot] = nil
                free.append(slot)
                stretches?.deallocate()
                return false
            }
        }
        prepared += 1
        return true
    }

    func commit() { lock.withLock { if prepared > 0 { hand() } } }

    /// Hands what was prepared to the kernel. With the lock held.
    private func hand() {
        // A kernel without room for more has completions on their way, which the thread is taking.
        for attempt in 0..<1000 {
            let n = uring_submit(ring)
            if n > 0 { prepared -= min(prepared, Int(n)) }
            if prepared == 0 || (n < 0 && !uring_is_transient(-n)) { return }
            if attempt > 10 { host_sleep_ns(100_000) }
        }
    }

    func close(waits: Bool) {
        lock.lock()
        isClosing = true
        if thread != nil, uring_prepare(ring, URING_WAKE, -1, nil, 0, 0, 0) {
            prepared += 1
            hand()
        }
        let ending = thread
        thread = nil
        lock.unlock()
        guard let ending else { return }
        if waits { host_thread_join(ending) } else { host_thread_detach(ending) }
    }

    private func loop() {
        while true {
            var tag: UInt64 = 0
            var result: Int32 = 0
            let n = uring_wait(ring, &tag, &result)
            if n < 0 {
                if uring_is_transient(-n) { continue }
                return
            }
            if tag == 0 { return }
            complete(Int(tag) - 1, Int(result))
        }
    }

    private func complete(_ slot: Int, _ result: Int) {
        lock.lock()
        let taken = slot < flights.count ? flights[slot] : nil
        if taken != nil {
            flights[slot] = nil
            free.append(slot)
        }
        lock.unlock()
        guard let flight = taken else { return }
        flight.stretches?.deallocate()
        if result == flight.count { return flight.done(true) }
        if result < 0, !uring_is_transient(Int32(-result)) { return flight.done(false) }
        let moved = max(result, 0)
        let rest: BlockOperation =
            switch flight.operation {
            case .read(let offset, let segments): .read(offset: offset + UInt64(moved), into: segments.slice(moved, Int.max))
            case .write(let offset, let segments): .write(offset: offset + UInt64(moved), from: segments.slice(moved, Int.max))
            case .flush, .discard, .writeZeroes: flight.operation
            }
        threads.submit(rest, flight.done)
    }
}
