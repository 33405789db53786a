import CHost
import CNBD
import Devices
import Glibc
import VirtIO

/// What an NBD server exports, through libnbd. One thread speaks with the server.
///
/// A server that goes away, or that leaves a command unanswered for `NBDConnection.patience`, fails everything that
/// is under way and all that comes after: the guest sees I/O errors.
package final class NBDBackend: BlockBackend, @unchecked Sendable {
    private let talk: NBDTalk
    private let connection: NBDConnection
    package let size: UInt64
    package let isReadOnly: Bool

    package init(_ uri: String, isReadOnly: Bool) throws(BackendError) {
        connection = try NBDConnection(uri)
        if connection.isReadOnly, !isReadOnly {
            throw .usage("its server exports it for reading only; add ,readonly or ,snapshot")
        }
        size = connection.size
        self.isReadOnly = isReadOnly
        talk = NBDTalk(connection)
        let error = talk.start()
        if error != 0 { throw .host("the host refuses a thread for it: \(String(cString: host_error_text(error)))") }
    }

    deinit { talk.close(waits: false) }

    package var physicalBlockSize: UInt32 { connection.preferredBlock }
    package var canDiscard: Bool { connection.canTrim && !isReadOnly }

    package func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) {
        switch operation {
        case .read(let offset, let segments): transfer(.read, offset, segments, done)
        case .write(let offset, let segments):
            if isReadOnly { return done(false) }
            transfer(.write, offset, segments, done)
        case .flush:
            // A server without flush has nothing to flush.
            if !connection.canFlush || isReadOnly { return done(true) }
            talk.add([NBDCommand(.flush, offset: 0, count: 0, done)])
        case .discard(let offset, let count):
            if isReadOnly { return done(false) }
            if !connection.canTrim { return done(true) }
            talk.add([NBDCommand(.trim, offset: offset, count: Int(count), done)])
        case .writeZeroes(let offset, let count, let mayUnmap):
            if isReadOnly { return done(false) }
            if connection.canZero {
                return talk.add([NBDCommand(.zero(keepsRoom: !mayUnmap), offset: offset, count: Int(count), done)])
            }
            split(Int(count), done) { at, part, done in
                NBDCommand(.zeroByWriting, offset: offset + UInt64(at), count: part, done)
            }
        }
    }

    /// The thread begins at once.
    package func commit() {}

    package func close() { talk.close(waits: true) }

    private func transfer(_ kind: NBDCommand.Kind, _ offset: UInt64, _ segments: [BufferSegment], _ done: @escaping BlockCompletion) {
        split(segments.byteCount, done) { at, part, done in
            NBDCommand(kind, offset: offset + UInt64(at), count: part, segments: segments.slice(at, part), done)
        }
    }

    /// Commands of a size that the server takes; all of them have to succeed.
    private func split(_ count: Int, _ done: @escaping BlockCompletion, _ make: (Int, Int, @escaping BlockCompletion) -> NBDCommand) {
        let largest = connection.largestTransfer
        if count <= largest { return talk.add([make(0, count, done)]) }
        let all = NBDCountdown((count + largest - 1) / largest, done)
        var commands: [NBDCommand] = []
        for at in stride(from: 0, to: count, by: largest) {
            commands.append(make(at, min(largest, count - at)) { all.arrive($0) })
        }
        talk.add(commands)
    }
}

/// Several commands that complete as one. Its commands end on one thread, but may all fail on others.
private final class NBDCountdown: @unchecked Sendable {
    private let lock = Lock()
    private var left: Int
    private var succeeded = true
    private let done: BlockCompletion

    init(_ count: Int, _ done: @escaping BlockCompletion) {
        left = count
        self.done = done
    }

    func arrive(_ ok: Bool) {
        let result: Bool? = lock.withLock {
            left -= 1
            if !ok { succeeded = false }
            return left == 0 ? succeeded : nil
        }
        if let result { done(result) }
    }
}

/// The thread that speaks with the server.
private final class NBDTalk: @unchecked Sendable {
    /// Commands that the server has at once.
    private static let window = 64

    private let connection: NBDConnection
    private let wake: Int32
    private let lock = Lock()
    // Guarded by `lock`.
    private var waiting: [NBDCommand] = []
    private var isClosing = false
    private var isBroken = false
    private var thread: OpaquePointer?
    // The thread's own.
    private var sent: [Int: NBDCommand] = [:]
    private var nextSlot = 0
    private var progress = 0

    init(_ connection: NBDConnection) {
        self.connection = connection
        wake = host_eventfd()
    }

    deinit { if wake >= 0 { host_close(wake) } }

    /// 0 or errno.
    func start() -> Int32 {
        guard wake >= 0 else { return -wake }
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<NBDTalk>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-nbd", &error)
        if thread == nil { reference.release() }
        return thread == nil ? error : 0
    }

    func add(_ commands: [NBDCommand]) {
        let isAccepted = lock.withLock {
            if isBroken || isClosing { return false }
            waiting += commands
            return true
        }
        if isAccepted { host_eventfd_signal(wake) } else { for command in commands { command.finish(false) } }
    }

    func close(waits: Bool) {
        let ending: OpaquePointer? = lock.withLock {
            isClosing = true
            let thread = self.thread
            self.thread = nil
            return thread
        }
        guard let ending else { return }
        host_eventfd_signal(wake)
        if waits { host_thread_join(ending) } else { host_thread_detach(ending) }
    }

    // MARK: The thread

    private func loop() {
        progress = NBDConnection.now()
        while true {
            let (batch, isLast) = lock.withLock {
                let room = max(Self.window - sent.count, 0)
                let batch = Array(waiting.prefix(room))
                waiting.removeFirst(batch.count)
                return (batch, isClosing && waiting.isEmpty)
            }
            if sent.isEmpty { progress = NBDConnection.now() }
            for command in batch { send(command) }
            if isLast, sent.isEmpty { break }
            guard exchange() else { break }
        }
        lock.withLock { isBroken = true }
        connection.close()
        // Nothing of libnbd's reads or writes their buffers now.
        let rest = Array(sent.values) + lock.withLock { () -> [NBDCommand] in
            let all = waiting
            waiting = []
            return all
        }
        sent = [:]
        for command in rest { command.finish(false) }
    }

    private func send(_ command: NBDCommand) {
        guard let handle = connection.handle, command.takeBuffer() else { return command.finish(false) }
        command.slot = nextSlot
        nextSlot += 1
        sent[command.slot] = command
        let context = NBDContext(self, command)
        let completion = nbd_completion_callback(
            callback: { user, error in
                guard let user else { return 1 }
                let context = Unmanaged<NBDContext>.fromOpaque(user).takeUnretainedValue()
                context.talk.completed(context.command, error.map { $0.pointee == 0 } ?? false)
                // 1: libnbd forgets the command.
                return 1
            }, user_data: Unmanaged.passRetained(context).toOpaque(),
            free: { user in if let user { Unmanaged<NBDContext>.fromOpaque(user).release() } })
        let count = UInt64(command.count)
        let cookie: Int64 =
            switch command.kind {
            case .read: nbd_aio_pread(handle, command.buffer, command.count, command.offset, completion, 0)
            case .write, .zeroByWriting: nbd_aio_pwrite(handle, command.buffer, command.count, command.offset, completion, 0)
            case .flush: nbd_aio_flush(handle, completion, 0)
            case .trim: nbd_aio_trim(handle, count, command.offset, completion, 0)
            case .zero(let keepsRoom):
                nbd_aio_zero(handle, count, command.offset, completion, keepsRoom ? UInt32(LIBNBD_CMD_FLAG_NO_HOLE) : 0)
            }
        if cookie < 0 { completed(command, false) }
    }

    /// Called from within libnbd, on the thread.
    fileprivate func completed(_ command: NBDCommand, _ succeeded: Bool) {
        guard sent.removeValue(forKey: command.slot) != nil else { return }
        progress = NBDConnection.now()
        command.finish(succeeded)
    }

    /// Waits for the server or for work, and lets libnbd read and write. False when the connection is lost.
    private func exchange() -> Bool {
        guard let handle = connection.handle, nbd_aio_is_dead(handle) <= 0, nbd_aio_is_closed(handle) <= 0 else { return false }
        let direction = nbd_aio_get_direction(handle)
        var events: Int16 = 0
        if direction & UInt32(LIBNBD_AIO_DIRECTION_READ) != 0 { events |= Int16(POLLIN) }
        if direction & UInt32(LIBNBD_AIO_DIRECTION_WRITE) != 0 { events |= Int16(POLLOUT) }
        var descriptors = [
            pollfd(fd: nbd_aio_get_fd(handle), events: events, revents: 0),
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&descriptors, 2, sent.isEmpty ? -1 : 1000)
        if ready < 0 { return errno == EINTR }
        if descriptors[1].revents != 0 { host_eventfd_drain(wake) }
        let revents = Int32(descriptors[0].revents)
        // libnbd finds out about an error or a hang-up by reading.
        if direction & UInt32(LIBNBD_AIO_DIRECTION_READ) != 0, revents & (POLLIN | POLLHUP | POLLERR) != 0 {
            _ = nbd_aio_notify_read(handle)
        } else if direction & UInt32(LIBNBD_AIO_DIRECTION_WRITE) != 0, revents & (POLLOUT | POLLHUP | POLLERR) != 0 {
            _ = nbd_aio_notify_write(handle)
        } else if revents & (POLLHUP | POLLERR | POLLNVAL) != 0 {
            return false
        }
        return sent.isEmpty || NBDConnection.now() - progress < NBDConnection.patience
    }
}

/// What libnbd keeps for a command.
private final class NBDContext {
    let talk: NBDTalk
    let command: NBDCommand
    init(_ talk: NBDTalk, _ command: NBDCommand) {
        self.talk = talk
        self.command = command
    }
}
