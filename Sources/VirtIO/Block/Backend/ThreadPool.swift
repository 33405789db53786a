import CHost
import Devices

/// Threads that carry out jobs which block: started as jobs pile up, up to a limit, and kept.
///
/// A job never waits for another, so any number of threads gets them all done.
final class ThreadPool: @unchecked Sendable {
    typealias Job = @Sendable () -> Void

    private let name: String
    private let limit: Int
    private let mutex = host_mutex_create()
    private let changed = host_cond_create()
    // Guarded by `mutex`.
    private var jobs = Deque<Job>()
    private var idle = 0
    private var threads: [OpaquePointer] = []
    private var isClosing = false

    init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    deinit {
        host_cond_destroy(changed)
        host_mutex_destroy(mutex)
    }

    /// Sees to it that one thread is there, so that `run` can't fail.
    func prepare() throws(ImageError) {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        if !threads.isEmpty { return }
        let error = startThread()
        if error != 0 { throw .noThread(errno: error) }
    }

    func run(_ job: @escaping Job) {
        host_mutex_lock(mutex)
        jobs.append(job)
        // A host that refuses another thread is slower and no more.
        if idle < jobs.count, threads.count < limit { _ = startThread() }
        host_cond_signal(changed)
        host_mutex_unlock(mutex)
    }

    /// Ends the threads once all jobs are done, and waits for that.
    func close() {
        host_mutex_lock(mutex)
        isClosing = true
        let ending = threads
        threads = []
        host_cond_broadcast(changed)
        host_mutex_unlock(mutex)
        for thread in ending { host_thread_join(thread) }
    }

    /// The same without waiting: for a last owner that may be one of the threads.
    func abandon() {
        host_mutex_lock(mutex)
        isClosing = true
        let ending = threads
        threads = []
        host_cond_broadcast(changed)
        host_mutex_unlock(mutex)
        for thread in ending { host_thread_detach(thread) }
    }

    // With the lock held. 0 or errno.
    private func startThread() -> Int32 {
        if isClosing { return 0 }
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        let thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<ThreadPool>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), name, &error)
        guard let thread else {
            reference.release()
            return error
        }
        threads.append(thread)
        return 0
    }

    private func loop() {
        host_mutex_lock(mutex)
        while true {
            if let job = jobs.popFirst() {
                host_mutex_unlock(mutex)
                job()
                host_mutex_lock(mutex)
            } else if isClosing {
                break
            } else {
                idle &+= 1
                host_cond_wait(changed, mutex)
                idle &-= 1
            }
        }
        host_mutex_unlock(mutex)
    }
}

/// A first-in, first-out queue over an array.
struct Deque<Element> {
    private var items: [Element?] = []
    private var first = 0

    var count: Int { items.count &- first }

    mutating func append(_ element: Element) { items.append(element) }

    mutating func popFirst() -> Element? {
        guard first < items.count else { return nil }
        let element = items[first]
        items[first] = nil
        first &+= 1
        if first == items.count {
            items.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= 1024 {
            items.removeFirst(first)
            first = 0
        }
        return element
    }
}
