import CHost
import Devices

/// The console's way out: vCPUs put bytes in a buffer, a thread writes them to a descriptor.
///
/// Bytes gather for a millisecond, so that a line costs one system call and not eighty. A vCPU waits only
/// while the buffer is full, and not even then once the machine is stopping.
package final class ConsoleWriter: ConsoleOutput, @unchecked Sendable {
    /// The descriptor took no more: nobody reads the pipe any more, or the disk is full.
    package typealias Broken = (_ errno: Int32) -> Void

    private static let capacity = 64 << 10
    /// Enough to be worth a system call at once.
    private static let batch = 4 << 10
    private static let gatherTime: UInt64 = 1_000_000

    private let descriptor: Int32
    private let broken: Broken
    private let mutex = host_mutex_create()
    /// The buffer has become non-empty, or is worth writing, or nothing more will come.
    private let work = host_cond_create()
    /// The buffer has become empty, or has room.
    private let room = host_cond_create()
    private var thread: OpaquePointer?

    // Guarded by `mutex`.
    private var pending: [UInt8] = []
    private var isWriting = false
    private var isEnding = false
    private var isBroken = false
    private var isPatient = true
    private var isRefusing = false
    private var port: Int32 = -1

    /// A writer to `descriptor`, which stays the caller's. `broken` is called once, on the writer's thread.
    package init(descriptor: Int32, broken: @escaping Broken) throws(MachineError) {
        self.descriptor = descriptor
        self.broken = broken
        pending.reserveCapacity(Self.capacity)
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<ConsoleWriter>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-console", &error)
        if thread == nil {
            reference.release()
            throw MachineError(.host, "the host refuses a thread for the console: \(MachineError.hostText(error))")
        }
    }

    deinit {
        host_cond_destroy(room)
        host_cond_destroy(work)
        host_mutex_destroy(mutex)
    }

    package func write(_ bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty { return }
        host_mutex_lock(mutex)
        while pending.count >= Self.capacity, isPatient, !isBroken { host_cond_wait(room, mutex) }
        if !isBroken, !isEnding {
            let before = pending.count
            pending.append(contentsOf: bytes)
            // The writer knows of what was there before; it waits for the first byte and for a full batch.
            if before == 0 || before < Self.batch && pending.count >= Self.batch { host_cond_signal(work) }
        }
        host_mutex_unlock(mutex)
    }

    package func offer(_ bytes: UnsafeRawBufferPointer) -> Int {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        guard !isBroken, !isEnding else { return bytes.count }
        let before = pending.count
        let count = min(bytes.count, max(0, Self.capacity - before))
        if count > 0 {
            pending.append(contentsOf: bytes.prefix(count))
            if before == 0 || before < Self.batch && pending.count >= Self.batch { host_cond_signal(work) }
        }
        if count < bytes.count { isRefusing = true }
        return count
    }

    package var isConnected: Bool {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return !isBroken
    }

    package func attach(wake: Int32) {
        host_mutex_lock(mutex)
        port = wake
        host_mutex_unlock(mutex)
    }

    /// Says whether a vCPU may be kept waiting while the buffer is full. A machine that stops can't have
    /// that; the little that its vCPUs still write goes into a larger buffer.
    package func setPatient(_ patient: Bool) {
        host_mutex_lock(mutex)
        isPatient = patient
        host_cond_broadcast(room)
        host_mutex_unlock(mutex)
    }

    /// Writes out what is there and ends the thread. With a deadline (monotonic ns), gives up then: a
    /// reader that has stopped reading must not keep the process from ending. False if bytes were lost.
    package func finish(deadline: UInt64? = nil) -> Bool {
        host_mutex_lock(mutex)
        isEnding = true
        host_cond_signal(work)
        var isDone = true
        while isDone, isWriting || !pending.isEmpty, !isBroken {
            if let deadline {
                if !host_cond_wait_until(room, mutex, deadline) { isDone = !isWriting && pending.isEmpty }
            } else {
                host_cond_wait(room, mutex)
            }
        }
        let ended = isDone ? thread : nil
        if isDone { thread = nil }
        let isWhole = isDone && !isBroken
        host_mutex_unlock(mutex)
        if let ended { host_thread_join(ended) }
        return isWhole
    }

    /// Whether the thread has ended: nothing writes to the descriptor any more.
    package var isIdle: Bool {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return thread == nil
    }

    private func loop() {
        var batch: [UInt8] = []
        host_mutex_lock(mutex)
        while true {
            while pending.isEmpty, !isEnding { host_cond_wait(work, mutex) }
            if pending.isEmpty || isBroken { break }
            gather()
            swap(&pending, &batch)
            isWriting = true
            invite()
            host_mutex_unlock(mutex)
            let error = put(batch)
            batch.removeAll(keepingCapacity: true)
            host_mutex_lock(mutex)
            isWriting = false
            if error != 0 {
                isBroken = true
                pending.removeAll()
            }
            invite()
            if error != 0 {
                host_mutex_unlock(mutex)
                broken(error)
                return
            }
        }
        host_mutex_unlock(mutex)
    }

    /// Lets those who wait for room look again, with the lock held.
    private func invite() {
        host_cond_broadcast(room)
        guard isRefusing || isBroken, port >= 0 else { return }
        isRefusing = false
        host_eventfd_signal(port)
    }

    /// Lets more bytes come, with the lock held.
    private func gather() {
        let deadline = host_clock_monotonic_ns() &+ Self.gatherTime
        while pending.count < Self.batch, !isEnding {
            if !host_cond_wait_until(work, mutex, deadline) { return }
        }
    }

    /// errno, or 0 when all of it is written.
    private func put(_ bytes: [UInt8]) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            var done = 0
            while done < buffer.count {
                let n = host_write_patiently(descriptor, base + done, buffer.count - done)
                if n < 0 { return Int32(truncatingIfNeeded: -n) }
                done += n
            }
            return 0
        }
    }
}
