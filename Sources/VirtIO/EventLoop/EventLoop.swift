import CHost
import Devices
import Synchronization

/// Why an event loop can't be had or can't watch something; `errno` as the host gave it.
package enum EventLoopError: Error, Equatable {
    case noDescriptor(errno: Int32)
    case noThread(errno: Int32)
    case notWatchable(errno: Int32)
}

/// What a watched descriptor can be ready for.
package struct EventKinds: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let read = EventKinds(rawValue: HOST_EVENT_READ.rawValue)
    package static let write = EventKinds(rawValue: HOST_EVENT_WRITE.rawValue)
    /// Hang-up or error: reported whether or not it was asked for.
    package static let end = EventKinds(rawValue: HOST_EVENT_END.rawValue)
}

/// Who hears of events: on the loop's thread, with no lock held.
package protocol EventHandler: AnyObject, Sendable {
    func handle(_ kinds: EventKinds, tag: Int)
}

/// A thread that waits for descriptors (doorbells, back ends) and for work, so that nothing slow is done on a
/// vCPU's thread.
///
/// Whoever makes a loop calls `stop` before letting go of it: the thread keeps the loop alive.
package final class EventLoop: @unchecked Sendable {
    private struct Watch {
        let handler: any EventHandler
        let tag: Int
        /// Tells a watch from an earlier one of the same descriptor.
        let serial: UInt32
    }

    private let lock = Lock()
    private let set: Int32
    private let wake: Int32
    private let stopping = Atomic<Bool>(false)
    // Guarded by `lock`.
    private var watches: [Int32: Watch] = [:]
    private var serial: UInt32 = 0
    private var work: [@Sendable () -> Void] = []
    private var thread: OpaquePointer?

    /// Starts the thread. `name` is what the host's tools show, 15 bytes of it.
    package init(name: StaticString) throws(EventLoopError) {
        set = host_event_set()
        guard set >= 0 else { throw .noDescriptor(errno: -set) }
        wake = host_eventfd()
        guard wake >= 0 else {
            host_close(set)
            throw .noDescriptor(errno: -wake)
        }
        let failed = host_event_add(set, wake, HOST_EVENT_READ.rawValue, Self.token(wake, 0))
        guard failed == 0 else {
            close()
            throw .noDescriptor(errno: -failed)
        }
        let reference = Unmanaged.passRetained(self)
        var error: Int32 = 0
        thread = name.withUTF8Buffer { name in
            name.withMemoryRebound(to: CChar.self) { name in
                guard let text = name.baseAddress else { return nil }
                return host_thread_start(
                    { argument in
                        guard let argument else { return }
                        Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
                    }, reference.toOpaque(), text, &error)
            }
        }
        guard thread != nil else {
            reference.release()
            close()
            throw .noThread(errno: error)
        }
    }

    /// True from the moment `stop` is called: for handlers with much to do.
    package var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// Has `handler` called while `fd` is ready for one of `kinds`. Once per descriptor. Any thread.
    package func watch(_ fd: Int32, _ kinds: EventKinds, _ handler: any EventHandler, tag: Int = 0) throws(EventLoopError) {
        try lock.withLock { () throws(EventLoopError) in
            serial &+= 1
            let failed = host_event_add(set, fd, kinds.rawValue, Self.token(fd, serial))
            guard failed == 0 else { throw .notWatchable(errno: -failed) }
            watches[fd] = Watch(handler: handler, tag: tag, serial: serial)
        }
    }

    /// Changes what a watched descriptor is watched for; nothing leaves hang-ups and errors. Any thread.
    package func change(_ fd: Int32, _ kinds: EventKinds) {
        lock.withLock {
            guard let watch = watches[fd] else { return }
            _ = host_event_change(set, fd, kinds.rawValue, Self.token(fd, watch.serial))
        }
    }

    /// Ends a watch, before its descriptor is closed. On the loop's thread the handler isn't called again; to
    /// another thread, a call that is under way may still finish.
    package func unwatch(_ fd: Int32) {
        lock.withLock {
            guard watches.removeValue(forKey: fd) != nil else { return }
            _ = host_event_remove(set, fd)
        }
    }

    /// Has `body` called on the loop's thread, in the order of the calls. Any thread; dropped after `stop`.
    package func post(_ body: @escaping @Sendable () -> Void) {
        let first = lock.withLock {
            guard !stopping.load(ordering: .relaxed) else { return false }
            work.append(body)
            return work.count == 1
        }
        if first { host_eventfd_signal(wake) }
    }

    /// Ends the thread and waits for it: when this returns no handler runs or will. Not to be called on the
    /// loop's own thread. Calling it again does nothing.
    package func stop() {
        let ending = lock.withLock {
            stopping.store(true, ordering: .releasing)
            let ending = thread
            thread = nil
            return ending
        }
        guard let ending else { return }
        host_eventfd_signal(wake)
        host_thread_join(ending)
        lock.withLock {
            watches.removeAll()
            work.removeAll()
        }
    }

    deinit { close() }

    private func close() {
        host_close(wake)
        host_close(set)
    }

    private static func token(_ fd: Int32, _ serial: UInt32) -> UInt64 {
        UInt64(serial) << 32 | UInt64(UInt32(bitPattern: fd))
    }

    private func run() {
        var events = [host_event](repeating: host_event(), count: 32)
        while !isStopping {
            let count = host_event_wait(set, &events, Int32(events.count), -1)
            guard count >= 0 else { return }
            for event in events.prefix(Int(count)) where !isStopping { deliver(event) }
        }
    }

    private func deliver(_ event: host_event) {
        let fd = Int32(bitPattern: UInt32(truncatingIfNeeded: event.token))
        if fd == wake {
            host_eventfd_drain(wake)
            let bodies = lock.withLock {
                let bodies = work
                work = []
                return bodies
            }
            for body in bodies where !isStopping { body() }
            return
        }
        let watch = lock.withLock { watches[fd] }
        // An earlier event of the same round may have ended it.
        guard let watch, watch.serial == UInt32(truncatingIfNeeded: event.token >> 32) else { return }
        watch.handler.handle(EventKinds(rawValue: event.kinds), tag: watch.tag)
    }
}
