import CHost
import Devices
import Synchronization

/// One request queue of a block device, from DRIVER_OK to the reset.
final class BlockQueue: @unchecked Sendable {
    private let queue: any VirtQueue
    private let session: any VirtIOSession
    private let backend: any BlockBackend
    private let rules: BlockRequest.Rules
    private let serial: [UInt8]
    private let cache: CacheMode

    private let isStopping = Atomic<Bool>(false)
    /// Wakes the thread for a stop.
    private let wake: Int32
    private var thread: OpaquePointer?

    private let mutex = host_mutex_create()
    private let changed = host_cond_create()
    /// Requests that the back end has. Guarded by `mutex`, as is every call of the queue.
    private var underWay = 0

    init(
        _ queue: any VirtQueue, _ session: any VirtIOSession, _ backend: any BlockBackend, rules: BlockRequest.Rules,
        serial: [UInt8], cache: CacheMode
    ) {
        self.queue = queue
        self.session = session
        self.backend = backend
        self.rules = rules
        self.serial = serial
        self.cache = cache
        wake = host_eventfd()
    }

    deinit {
        if wake >= 0 { host_close(wake) }
        host_cond_destroy(changed)
        host_mutex_destroy(mutex)
    }

    /// False when the host refuses a thread or a descriptor.
    func start() -> Bool {
        guard wake >= 0 else { return false }
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<BlockQueue>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-block", &error)
        if thread == nil { reference.release() }
        return thread != nil
    }

    /// Returns when the thread has ended and the back end is done with guest memory.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        host_eventfd_signal(wake)
        if let thread { host_thread_join(thread) }
        thread = nil
        host_mutex_lock(mutex)
        while underWay > 0 { host_cond_wait(changed, mutex) }
        host_mutex_unlock(mutex)
    }

    // MARK: The queue's thread

    private func loop() {
        while !isStopping.load(ordering: .acquiring) {
            withQueue { _ = queue.wantNotifications(false) }
            guard takeAll() else { return }
            backend.commit()
            if withQueue({ queue.wantNotifications(true) }) { continue }
            let ready = host_poll_read(queue.doorbell, wake, -1)
            if ready < 0 { return }
            if ready & 1 != 0 { host_eventfd_drain(queue.doorbell) }
        }
    }

    private func withQueue<Result>(_ body: () -> Result) -> Result {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return body()
    }

    /// Begins every request that is there. False when the driver has broken the protocol.
    private func takeAll() -> Bool {
        while !isStopping.load(ordering: .acquiring) {
            let chain: DescriptorChain?
            do throws(VirtQueueError) {
                host_mutex_lock(mutex)
                defer { host_mutex_unlock(mutex) }
                chain = try queue.pop()
            } catch {
                session.fail(error)
                return false
            }
            guard let chain else { return true }
            guard chain.writableCount > 0 else {
                session.fail(.badRequest)
                return false
            }
            begin(chain)
        }
        return true
    }

    private func begin(_ chain: DescriptorChain) {
        switch BlockRequest(chain, rules) {
        case .refused(let status): finish(chain, status, data: 0)
        case .identify: identify(chain)
        case .operations(let operations, let changesData, let written):
            host_mutex_lock(mutex)
            underWay &+= 1
            host_mutex_unlock(mutex)
            let needsSync = changesData && !cache.isWriteback
            let done: BlockCompletion = { [self] succeeded in
                if succeeded, needsSync { return sync(chain, written) }
                end(chain, succeeded, written)
            }
            if operations.isEmpty { return done(true) }
            if operations.count == 1 { return backend.submit(operations[0], done) }
            let countdown = Countdown(operations.count, done)
            for operation in operations { backend.submit(operation) { countdown.arrive($0) } }
        }
    }

    /// Write-through: the request ends when what it wrote is safe.
    private func sync(_ chain: DescriptorChain, _ written: Int) {
        backend.submit(.flush) { [self] in end(chain, $0, written) }
        backend.commit()
    }

    private func end(_ chain: DescriptorChain, _ succeeded: Bool, _ written: Int) {
        finish(chain, succeeded ? .ok : .ioError, data: written)
        host_mutex_lock(mutex)
        underWay &-= 1
        if underWay == 0 { host_cond_broadcast(changed) }
        host_mutex_unlock(mutex)
    }

    /// GET_ID: the serial number, padded with NUL to 20 bytes.
    private func identify(_ chain: DescriptorChain) {
        var name = serial
        while name.count < BlockDevice.serialLength { name.append(0) }
        let count = min(name.count, chain.writableCount &- 1)
        let isWritten = name.withUnsafeBytes { bytes in
            count == 0 || chain.write(UnsafeRawBufferPointer(rebasing: bytes[0..<count]), at: 0)
        }
        finish(chain, isWritten ? .ok : .ioError, data: count)
    }

    /// Writes the status byte, the last of the writable part, and hands the buffer back.
    ///
    /// What the driver is told was written has to have been (2.7.8.2): after a failure, and where the status
    /// doesn't follow the data at once, that is less than the status's place.
    private func finish(_ chain: DescriptorChain, _ status: BlockStatus, data: Int) {
        let place = chain.writableCount &- 1
        var byte = status.rawValue
        withUnsafeBytes(of: &byte) { _ = chain.write($0, at: place) }
        let valid = status == .ok ? data : 0
        withQueue {
            queue.push(chain, written: valid == place ? place &+ 1 : valid)
            queue.signal()
        }
    }
}
