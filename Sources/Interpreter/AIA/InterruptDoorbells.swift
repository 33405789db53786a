import CHost
import ExecutionEngine

/// eventfds whose signals deliver MSIs (KVM's irqfd), and a thread that waits for them from the first one on.
final class InterruptDoorbells: @unchecked Sendable {
    private struct Message {
        var address: UInt64
        var data: UInt32
    }

    private let pages: InterruptPages
    private let lock = host_mutex_create()
    // Guarded by `lock`.
    private var messages: [Int32: Message] = [:]
    private var isFinished = false
    /// What the thread waits for: the doorbells, and `wake`. Made with the thread.
    private var set: Int32 = -1
    private var wake: Int32 = -1
    private var thread: OpaquePointer?

    init(_ pages: InterruptPages) { self.pages = pages }

    deinit {
        if set >= 0 { host_close(set) }
        if wake >= 0 { host_close(wake) }
        host_mutex_destroy(lock)
    }

    /// Ends the thread.
    func finish() {
        host_mutex_lock(lock)
        isFinished = true
        let running = thread
        thread = nil
        host_mutex_unlock(lock)
        guard let running else { return }
        host_eventfd_signal(wake)
        host_thread_join(running)
    }

    func add(_ eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError) {
        // Identity 0 doesn't exist: nothing is posted.
        guard address & 3 == 0, pages.store(address, 0) else { throw .invalid("no interrupt file is at \(hexText(address))") }
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        guard messages[eventfd] == nil else { throw .busy("this descriptor delivers an interrupt already") }
        try start()
        messages[eventfd] = Message(address: address, data: data)
        let status = host_event_add(set, eventfd, HOST_EVENT_READ.rawValue, UInt64(UInt32(bitPattern: eventfd)))
        if status < 0 {
            messages[eventfd] = nil
            throw .host("this descriptor can't be waited for", errno: -status)
        }
    }

    func remove(_ eventfd: Int32) throws(EngineError) {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        guard messages.removeValue(forKey: eventfd) != nil else { throw .missing("this descriptor delivers no interrupt") }
        _ = host_event_remove(set, eventfd)
    }

    /// Makes the thread unless there is one. The lock is held.
    private func start() throws(EngineError) {
        if thread != nil { return }
        if set < 0 {
            set = host_event_set()
            if set < 0 { throw .host("no set of descriptors for interrupts", errno: -set) }
        }
        if wake < 0 {
            wake = host_eventfd()
            if wake < 0 { throw .host("no descriptor for interrupts", errno: -wake) }
            _ = host_event_add(set, wake, HOST_EVENT_READ.rawValue, UInt64(UInt32(bitPattern: wake)))
        }
        var error: Int32 = 0
        thread = host_thread_start(
            { argument in
                if let argument { Unmanaged<InterruptDoorbells>.fromOpaque(argument).takeUnretainedValue().loop() }
            }, Unmanaged.passUnretained(self).toOpaque(), "msi doorbells", &error)
        if thread == nil { throw .host("the thread for interrupts can't start", errno: error) }
    }

    private func loop() {
        var events: InlineArray<16, host_event> = .init(repeating: host_event())
        while true {
            let count = withUnsafeMutableBytes(of: &events) { bytes in
                bytes.withMemoryRebound(to: host_event.self) { list in
                    list.baseAddress.map { host_event_wait(set, $0, Int32(list.count), -1) } ?? 0
                }
            }
            // Nothing can be waited for any more.
            if count < 0 { return }
            host_mutex_lock(lock)
            let ends = isFinished
            if !ends {
                for i in 0..<Int(count) { deliver(Int32(truncatingIfNeeded: Int64(bitPattern: events[i].token))) }
            }
            host_mutex_unlock(lock)
            if ends { return }
        }
    }

    /// What a descriptor's signals ask for. The lock is held: after its removal a descriptor isn't read.
    private func deliver(_ eventfd: Int32) {
        // It may be one that blocks, and somebody else may have read it.
        guard let message = messages[eventfd], host_poll_read(eventfd, -1, 0) & 1 != 0 else { return }
        host_eventfd_drain(eventfd)
        _ = pages.store(message.address, message.data)
    }
}
