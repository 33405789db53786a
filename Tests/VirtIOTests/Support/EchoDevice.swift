import CHost
import Devices
import VirtIO

/// The smallest device with every habit of a real one: a thread of its own that sleeps on the doorbell, copies
/// the readable part of each buffer into the writable one, and looks for buffers again before it sleeps.
/// The configuration is 16 bytes that remember what was written.
final class EchoDevice: VirtIODevice, @unchecked Sendable {
    let deviceID: UInt32 = 42
    let features: UInt64 = 1 << 5 | 1 << 40
    let queueSizes: [UInt16]

    private let lock = Lock()
    private var bytes = [UInt8](repeating: 0, count: 16)
    private var thread: OpaquePointer?
    private let wake = host_eventfd()
    private(set) var session: (any VirtIOSession)?
    private(set) var starts = 0
    private(set) var stops = 0

    init(queueSizes: [UInt16] = [256]) { self.queueSizes = queueSizes }

    deinit { host_close(wake) }

    func readConfiguration(offset: UInt64, width: Int) -> UInt64 {
        lock.withLock {
            var value: UInt64 = 0
            for i in 0..<width where offset < 16 && Int(offset) + i < 16 { value |= UInt64(bytes[Int(offset) + i]) << UInt64(8 * i) }
            return value
        }
    }

    func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {
        lock.withLock {
            for i in 0..<width where offset < 16 && Int(offset) + i < 16 {
                bytes[Int(offset) + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i))
            }
        }
    }

    func start(_ session: any VirtIOSession) {
        starts += 1
        self.session = session
        var error: Int32 = 0
        thread = host_thread_start(
            { Unmanaged<EchoDevice>.fromOpaque($0!).takeRetainedValue().run() },
            Unmanaged.passRetained(self).toOpaque(), "echo", &error)
        precondition(thread != nil)
    }

    func stop() {
        stops += 1
        guard let thread else { return }
        host_eventfd_signal(wake)
        host_thread_join(thread)
        host_eventfd_drain(wake)
        self.thread = nil
        session = nil
    }

    private func run() {
        guard let session, let queue = session.queues[0] else { return }
        while true {
            queue.wantNotifications(false)
            do {
                while let chain = try queue.pop() {
                    let count = min(chain.readableCount, chain.writableCount, 1 << 16)
                    var buffer = [UInt8](repeating: 0, count: count)
                    _ = buffer.withUnsafeMutableBytes { chain.read(at: 0, into: $0) }
                    _ = buffer.withUnsafeBytes { chain.write($0, at: 0) }
                    queue.push(chain, written: count)
                    queue.signal()
                }
            } catch {
                session.fail(error)
            }
            if queue.wantNotifications(true) { continue }
            let ready = host_poll_read(queue.doorbell, wake, -1)
            if ready & 2 != 0 { return }
            host_eventfd_drain(queue.doorbell)
        }
    }
}
