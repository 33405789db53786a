import CHost

/// Why a network device can't be had.
package enum NetworkDeviceError: Error, Equatable, Sendable {
    /// The host refuses a thread or a descriptor.
    case host(errno: Int32)
}

/// The thread of one network device: it waits for the driver's doorbells and the back end's descriptors.
///
/// Whoever takes a worker away waits until the thread has its hands off it, which it has while it waits and while
/// it tells the driver something: telling takes the transport's lock, and that may be held by the one who waits.
final class NetworkLoop: @unchecked Sendable {
    private let mutex = host_mutex_create()
    private let changed = host_cond_create()
    private let wake: Int32
    /// Guarded by `mutex`.
    private var worker: NetworkWorker?
    private var isBusy = false
    private var hasEnded = false

    init() throws(NetworkDeviceError) {
        wake = host_eventfd()
        guard wake >= 0 else { throw .host(errno: -wake) }
        let retained = Unmanaged.passRetained(self)
        var error: Int32 = 0
        let thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<NetworkLoop>.fromOpaque(argument).takeRetainedValue().run()
            }, retained.toOpaque(), "rvkvm-net", &error)
        guard let thread else {
            retained.release()
            throw .host(errno: error)
        }
        host_thread_detach(thread)
    }

    deinit {
        if wake >= 0 { host_close(wake) }
        host_cond_destroy(changed)
        host_mutex_destroy(mutex)
    }

    /// Lets the thread work.
    func activate(_ worker: NetworkWorker) {
        host_mutex_lock(mutex)
        self.worker = worker
        host_mutex_unlock(mutex)
        host_eventfd_signal(wake)
    }

    /// Takes the worker away: on return the thread doesn't touch it any more.
    func deactivate() -> NetworkWorker? {
        host_mutex_lock(mutex)
        let result = worker
        worker = nil
        while isBusy { host_cond_wait(changed, mutex) }
        host_mutex_unlock(mutex)
        host_eventfd_signal(wake)
        return result
    }

    /// Ends the thread, soon.
    func end() {
        host_mutex_lock(mutex)
        hasEnded = true
        host_mutex_unlock(mutex)
        host_eventfd_signal(wake)
    }

    private func run() {
        let polls = PollSet()
        var current: NetworkWorker?
        while true {
            host_mutex_lock(mutex)
            let next = worker
            isBusy = next != nil
            let ended = hasEnded
            host_mutex_unlock(mutex)
            if ended { return }

            var timeout: Int32 = -1
            var notes = NetworkWorker.Notes()
            if let next {
                if current === next {
                    next.service(polls)
                } else {
                    polls.removeAll()
                    next.begin()
                }
                polls.removeAll()
                polls.add(wake, HOST_WAIT_IN)
                timeout = next.prepare(polls)
                notes = next.takeNotes()
            } else {
                polls.removeAll()
                polls.add(wake, HOST_WAIT_IN)
            }
            current = next

            host_mutex_lock(mutex)
            isBusy = false
            host_cond_broadcast(changed)
            host_mutex_unlock(mutex)
            if let next { Self.tell(next.session, notes) }
            polls.wait(timeout)
            if polls.events(0) != 0 { host_eventfd_drain(wake) }
        }
    }

    private static func tell(_ session: any VirtIOSession, _ notes: NetworkWorker.Notes) {
        if let failure = notes.failure { session.fail(failure) }
        if notes.configurationChanged { session.configurationChanged() }
    }
}
