import CHost
import Devices
import GuestMemory

/// The memory balloon (virtio 1.2, 5.5): pages that the guest gives up go back to the host, on the host's wish
/// (`setTarget`) or, with free-page reporting, by the guest's own account of what it doesn't use.
package final class BalloonDevice: VirtIODevice, EventHandler, @unchecked Sendable {
    /// Feature bits (5.5.3).
    enum Feature {
        static let statistics: UInt64 = 1 << 1
        static let deflateOnOOM: UInt64 = 1 << 2
        static let pageReporting: UInt64 = 1 << 5
    }

    /// What a queue is for.
    enum Role {
        case inflate, deflate, statistics, reporting
    }

    /// A page in the device's configuration and in its requests, whatever the guest's own is.
    static let pageSize: UInt64 = 4096

    package let deviceID: UInt32 = 5
    package let features = Feature.statistics | Feature.deflateOnOOM | Feature.pageReporting
    /// Inflate, deflate, statistics, and two for reporting: the specification numbers the queue of a feature that
    /// isn't there (free-page hints), and Linux leaves it out.
    package let queueSizes: [UInt16] = [128, 128, 16, 64, 64]

    private let lock = Lock()
    // Guarded by `lock`.
    private var target: UInt32 = 0
    private var actual: UInt32 = 0
    private var latest = BalloonStatistics()
    private var session: (any VirtIOSession)?
    // `start` and `stop` exclude each other; the loop's thread lives between them.
    var loop: EventLoop?
    var memory = GuestMemory()
    /// The buffer that waits for the next request for statistics. The loop's own.
    var statisticsBuffer: DescriptorChain?

    package init() {}

    // MARK: The host's side, for any thread

    /// How much memory the guest shall give up, in bytes; whole pages are counted, up to 16 TiB.
    package func setTarget(_ bytes: UInt64) {
        let session = lock.withLock {
            target = UInt32(clamping: bytes / Self.pageSize)
            return self.session
        }
        session?.configurationChanged()
    }

    /// How much the guest says it has given up, in bytes.
    package var inflated: UInt64 { lock.withLock { UInt64(actual) &* Self.pageSize } }

    /// What the guest said last. It speaks when its driver starts and after each `requestStatistics`.
    package var statistics: BalloonStatistics { lock.withLock { latest } }

    /// Asks the guest for fresh statistics. They arrive when they do; a guest without the feature never answers.
    package func requestStatistics() {
        lock.withLock {
            loop?.post { [self] in
                guard let buffer = statisticsBuffer, let queue = queue(.statistics) else { return }
                statisticsBuffer = nil
                queue.push(buffer, written: 0)
                queue.signal()
            }
        }
    }

    func setStatistics(_ new: BalloonStatistics) { lock.withLock { latest = new } }

    // MARK: Configuration (5.5.4): num_pages, which is ours, and actual, which is the driver's

    package func readConfiguration(offset: UInt64, width: Int) -> UInt64 {
        guard offset < 8 else { return 0 }
        let whole = lock.withLock { UInt64(target) | UInt64(actual) << 32 }
        return whole >> (8 &* offset) & RegisterAccess.mask(width: width)
    }

    package func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {
        guard offset < 8 else { return }
        lock.withLock {
            let mask = RegisterAccess.mask(width: width) << (8 &* offset)
            let whole = UInt64(actual) << 32 & ~mask | value << (8 &* offset) & mask
            actual = UInt32(truncatingIfNeeded: whole >> 32)
        }
    }

    // MARK: Life

    package func start(_ session: any VirtIOSession) {
        memory = session.memory
        do throws(EventLoopError) {
            let loop = try EventLoop(name: "rvkvm-balloon")
            lock.withLock {
                self.session = session
                self.loop = loop
            }
            for case let queue? in session.queues { try loop.watch(queue.doorbell, .read, self, tag: queue.index) }
            // For what came before the watches.
            loop.post { [self] in for index in queueSizes.indices { serve(index) } }
        } catch {
            // The host has no thread or descriptor left; the driver hears that the device is out of order.
            session.fail(.badRequest)
        }
    }

    package func stop() {
        // The thread looks at `loop` until it ends.
        lock.withLock { loop }?.stop()
        statisticsBuffer = nil
        memory = GuestMemory()
        lock.withLock {
            loop = nil
            session = nil
            // The driver has taken all of its pages back.
            actual = 0
        }
    }

    package func handle(_ kinds: EventKinds, tag: Int) {
        guard let queue = current?.queues[tag] else { return }
        host_eventfd_drain(queue.doorbell)
        serve(tag)
    }

    var current: (any VirtIOSession)? { lock.withLock { session } }

    /// What queue `index` is for, with the features that the driver accepted: a queue whose feature is missing
    /// makes room for the next in Linux, and keeps its number in the specification (5.5.2). Since reporting is
    /// the only feature beyond statistics, whatever queue there is belongs to it.
    static func role(_ index: Int, _ accepted: UInt64) -> Role? {
        switch index {
        case 0: .inflate
        case 1: .deflate
        case 2 where accepted & Feature.statistics != 0: .statistics
        default: accepted & Feature.pageReporting != 0 ? .reporting : nil
        }
    }

    private func queue(_ role: Role) -> (any VirtQueue)? {
        guard let session = current else { return nil }
        for case let queue? in session.queues where Self.role(queue.index, session.acceptedFeatures) == role { return queue }
        return nil
    }
}
