import CHost

/// The entropy device (virtio 1.2, 5.4): the driver's buffers are filled from the host's getrandom.
package final class EntropyDevice: VirtIODevice, EventHandler, @unchecked Sendable {
    /// The most that one buffer gets. The device may return less than was asked for (5.4.6.2), and a reset must
    /// not have to wait for gigabytes.
    static let mostPerBuffer = 64 << 10

    package let deviceID: UInt32 = 4
    package let features: UInt64 = 0
    package let queueSizes: [UInt16] = [64]

    private var loop: EventLoop?
    private var session: (any VirtIOSession)?

    package init() {}

    /// It has no configuration (5.4.4).
    package func readConfiguration(offset: UInt64, width: Int) -> UInt64 { 0 }
    package func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {}

    package func start(_ session: any VirtIOSession) {
        guard let queue = session.queues.first ?? nil else { return }
        self.session = session
        do throws(EventLoopError) {
            let loop = try EventLoop(name: "rvkvm-rng")
            self.loop = loop
            try loop.watch(queue.doorbell, .read, self)
            // For what came before the watch.
            loop.post { self.serve(queue) }
        } catch {
            // The host has no thread or descriptor left; the driver hears that the device is out of order.
            session.fail(.badRequest)
        }
    }

    package func stop() {
        loop?.stop()
        loop = nil
        session = nil
    }

    package func handle(_ kinds: EventKinds, tag: Int) {
        guard let queue = session?.queues.first ?? nil else { return }
        host_eventfd_drain(queue.doorbell)
        serve(queue)
    }

    private func serve(_ queue: any VirtQueue) {
        do throws(VirtQueueError) {
            repeat {
                queue.wantNotifications(false)
                while loop?.isStopping == false, let chain = try queue.pop() {
                    // "The driver MUST NOT place device-readable buffers into the queue" (5.4.6.1).
                    guard chain.readableCount == 0 else { throw .badRequest }
                    queue.push(chain, written: fill(chain))
                    queue.signal()
                }
            } while loop?.isStopping == false && queue.wantNotifications(true)
        } catch {
            session?.fail(error)
        }
    }

    /// The number of random bytes put into the buffer.
    private func fill(_ chain: DescriptorChain) -> Int {
        var done = 0
        for segment in chain.writable where done < Self.mostPerBuffer {
            let count = min(segment.count, Self.mostPerBuffer &- done)
            if host_random(segment.base, count) != 0 { break }
            done &+= count
        }
        return done
    }
}
