import CHost
import Devices

/// A virtio block device (virtio 1.2, 5.2): checks a driver's requests and has a back end carry them out.
///
/// Each queue has a thread that takes requests; they complete on the back end's threads, in any order. A reset
/// waits for what is under way, since the back end works on guest memory itself.
package final class BlockDevice: VirtIODevice, @unchecked Sendable {
    private let backend: any BlockBackend
    private let serial: [UInt8]
    private let queueCount: Int

    private let lock = Lock()
    // Guarded by `lock`.
    private var configuration: BlockConfiguration
    private var running: [BlockQueue] = []
    private var cache: CacheMode?

    package static let maximumQueues = 16
    package static let serialLength = 20

    /// - Parameters:
    ///   - serial: what GET_ID answers; its first 20 bytes
    ///   - queues: 1 to `maximumQueues`
    package init(_ backend: any BlockBackend, serial: [UInt8] = [], queues: Int = 1) {
        self.backend = backend
        self.serial = Array(serial.prefix(Self.serialLength))
        queueCount = min(max(queues, 1), Self.maximumQueues)
        configuration = BlockConfiguration(
            size: backend.size, physicalBlockSize: backend.physicalBlockSize, queues: queueCount,
            discards: backend.canDiscard && !backend.isReadOnly)
    }

    package var deviceID: UInt32 { 2 }

    package var features: UInt64 {
        var bits =
            BlockFeature.segmentMaximum | BlockFeature.blockSize | BlockFeature.topology | BlockFeature.flush
            | BlockFeature.configurableCache
        if backend.isReadOnly { bits |= BlockFeature.readOnly }
        if queueCount > 1 { bits |= BlockFeature.multipleQueues }
        if !backend.isReadOnly {
            bits |= BlockFeature.writeZeroes
            if backend.canDiscard { bits |= BlockFeature.discard }
        }
        return bits
    }

    package var queueSizes: [UInt16] { [UInt16](repeating: BlockLimits.queueSize, count: queueCount) }

    package func readConfiguration(offset: UInt64, width: Int) -> UInt64 {
        lock.withLock { configuration.read(offset: offset, width: width) }
    }

    package func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {
        guard offset == BlockConfiguration.writebackOffset, width == 1 else { return }
        lock.withLock {
            configuration.isWriteback = value & 0xFF != 0
            cache?.set(writeback: configuration.isWriteback)
        }
    }

    package func start(_ session: any VirtIOSession) {
        lock.withLock {
            let accepted = session.acceptedFeatures
            // A driver that can't flush has to find its writes safe when they complete (5.2.5.2, 5.2.6.2).
            let canFlush = accepted & BlockFeature.flush != 0
            if !canFlush { configuration.isWriteback = false }
            let canChoose = accepted & BlockFeature.configurableCache != 0
            let cache = CacheMode(writeback: canFlush && (!canChoose || configuration.isWriteback), isFixed: !canFlush || !canChoose)
            self.cache = cache
            let rules = BlockRequest.Rules(size: backend.size, isReadOnly: backend.isReadOnly, features: accepted)
            for queue in session.queues {
                guard let queue else { continue }
                let worker = BlockQueue(queue, session, backend, rules: rules, serial: serial, cache: cache)
                if worker.start() { running.append(worker) } else { session.fail(.badRequest) }
            }
        }
    }

    package func stop() {
        let ending = lock.withLock {
            let queues = running
            running = []
            cache = nil
            configuration.isWriteback = true
            return queues
        }
        for queue in ending { queue.stop() }
    }
}
