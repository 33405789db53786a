import CHost
import Devices
import Synchronization

/// The 9P transport over virtio: one queue, a request in a buffer's readable part and room for its answer in the
/// writable one. The configuration is the tag by which a guest mounts the share: its length in 16 bits, and its
/// bytes.
///
/// Requests are worked on by a thread of the device, one after another, so that a slow disk holds up nobody but
/// whoever asked. The conversation starts anew with each `start`.
package final class P9Device: VirtIODevice, @unchecked Sendable {
    /// Longer tags than any other monitor's aren't worth the trouble: 32 bytes are QEMU's limit.
    package static let longestTag = 32
    /// VIRTIO_9P_MOUNT_TAG: there is a tag in the configuration.
    private static let mountTag: UInt64 = 1 << 0

    package let deviceID: UInt32 = 9
    package var features: UInt64 { Self.mountTag }
    package let queueSizes: [UInt16] = [128]

    private let share: SharedDirectory
    private let configuration: [UInt8]
    /// Belongs to whoever calls `start` and `stop`.
    private var worker: P9Worker?

    /// Shares `share` as `tag`, which has 1 to `longestTag` bytes.
    package init(_ share: SharedDirectory, tag: String) {
        self.share = share
        let bytes = Array(tag.utf8.prefix(Self.longestTag))
        configuration = [UInt8(truncatingIfNeeded: bytes.count), 0] + bytes
    }

    package func readConfiguration(offset: UInt64, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for n in 0..<max(0, min(width, 8)) {
            let (place, overflows) = offset.addingReportingOverflow(UInt64(n))
            guard !overflows, place < UInt64(configuration.count) else { break }
            value |= UInt64(configuration[Int(place)]) << (8 * UInt64(n))
        }
        return value
    }

    package func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {}

    package func start(_ session: any VirtIOSession) {
        stop()
        guard let queue = session.queues.first ?? nil else { return }
        worker = P9Worker(P9Server(share), queue, session)
        worker?.start()
    }

    package func stop() {
        worker?.stop()
        worker = nil
    }
}
