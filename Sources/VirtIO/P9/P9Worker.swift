import CHost
import Synchronization

/// The thread that answers a driver's requests, from one `start` of the device to its `stop`.
final class P9Worker: @unchecked Sendable {
    private let server: P9Server
    private let queue: any VirtQueue
    private let session: any VirtIOSession
    /// Copies: a request that changes while it is looked at can't be checked.
    private let request = UnsafeMutableRawBufferPointer.allocate(byteCount: P9Server.maximumMessageSize, alignment: 16)
    private let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: P9Server.maximumMessageSize, alignment: 16)
    private let wake = host_eventfd()
    private let isStopping = Atomic<Bool>(false)
    private var thread: OpaquePointer?

    init(_ server: P9Server, _ queue: any VirtQueue, _ session: any VirtIOSession) {
        self.server = server
        self.queue = queue
        self.session = session
    }

    deinit {
        request.deallocate()
        reply.deallocate()
        if wake >= 0 { host_close(wake) }
    }

    func start() {
        let retained = Unmanaged.passRetained(self)
        var error: Int32 = 0
        if wake >= 0 {
            thread = host_thread_start(
                { argument in
                    guard let argument else { return }
                    Unmanaged<P9Worker>.fromOpaque(argument).takeRetainedValue().run()
                }, retained.toOpaque(), "rvkvm-9p", &error)
        }
        // A host without a thread to spare: the guest hears that this device is out of order.
        if thread == nil {
            retained.release()
            session.fail(.badRequest)
        }
    }

    /// Returns when the thread has ended, after the request that it is at.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        if wake >= 0 { host_eventfd_signal(wake) }
        if let thread { host_thread_join(thread) }
        thread = nil
    }

    private func run() {
        do throws(VirtQueueError) {
            while !isStopping.load(ordering: .acquiring) {
                try answerAll()
                if queue.wantNotifications(true) { continue }
                let ready = host_poll_read(queue.doorbell, wake, -1)
                if ready & 1 != 0 { host_eventfd_drain(queue.doorbell) }
                queue.wantNotifications(false)
            }
        } catch {
            session.fail(error)
        }
    }

    private func answerAll() throws(VirtQueueError) {
        while !isStopping.load(ordering: .acquiring), let chain = try queue.pop() {
            let written = try answer(chain)
            queue.push(chain, written: written)
            // At once: the next request may take long.
            queue.signal()
        }
    }

    /// The number of bytes in the answer.
    private func answer(_ chain: DescriptorChain) throws(VirtQueueError) -> Int {
        let message = UnsafeMutableRawBufferPointer(rebasing: request[..<min(chain.readableCount, request.count)])
        let room = UnsafeMutableRawBufferPointer(rebasing: reply[..<min(chain.writableCount, reply.count)])
        guard message.count >= P9Server.leastRequest, room.count >= P9Server.leastAnswer, chain.read(at: 0, into: message) else {
            throw .badRequest
        }
        let count = server.answer(UnsafeRawBufferPointer(message), into: room)
        guard chain.write(UnsafeRawBufferPointer(rebasing: room[..<count]), at: 0) else { throw .badRequest }
        return count
    }
}
