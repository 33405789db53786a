import CHost
import GuestMemory

extension BalloonDevice {
    /// Works on all buffers of a queue. On the loop's thread.
    func serve(_ index: Int) {
        guard let session = current, index < session.queues.count, let queue = session.queues[index],
            let role = Self.role(index, session.acceptedFeatures)
        else { return }
        do throws(VirtQueueError) {
            repeat {
                queue.wantNotifications(false)
                while !isEnding, let chain = try queue.pop() { answer(chain, role, queue) }
            } while !isEnding && queue.wantNotifications(true)
        } catch {
            session.fail(error)
        }
    }

    private var isEnding: Bool { loop?.isStopping ?? true }

    private func answer(_ chain: DescriptorChain, _ role: Role, _ queue: any VirtQueue) {
        switch role {
        case .inflate: inflate(chain)
        // The pages are the guest's again as soon as it touches them.
        case .deflate: break
        case .reporting:
            // The buffer is the free memory itself (5.5.6.7).
            for segment in chain.writable where !isEnding { _ = host_memory_discard(segment.base, segment.count) }
        case .statistics:
            setStatistics(BalloonStatistics(chain))
            // Handed back when the next statistics are wanted (5.5.6.3). Two at a time break the rule; the one
            // before goes back so that it isn't lost.
            if let older = statisticsBuffer {
                queue.push(older, written: 0)
                queue.signal()
            }
            statisticsBuffer = chain
            return
        }
        queue.push(chain, written: 0)
        queue.signal()
    }

    /// Gives the pages whose numbers are in the buffer back to the host. Neighbours go together, so that a host
    /// with larger pages gets whole ones. A number without RAM names nothing that could be given back.
    private func inflate(_ chain: DescriptorChain) {
        var numbers = [UInt32](repeating: 0, count: 256)
        var run = PageRun()
        var offset = 0
        while offset &+ 4 <= chain.readableCount, !isEnding {
            let count = min(numbers.count, (chain.readableCount &- offset) / 4)
            let found = numbers.withUnsafeMutableBytes {
                chain.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(4 * count)]))
            }
            guard found else { return }
            for number in numbers.prefix(count) where !run.extend(by: UInt32(littleEndian: number)) {
                discard(run)
                run = PageRun(first: UInt64(number), count: 1)
            }
            offset &+= 4 &* count
        }
        discard(run)
    }

    private func discard(_ run: PageRun) {
        // A run may lie over several slots, or partly outside all of them.
        let start = run.first &* Self.pageSize
        let end = start &+ run.count &* Self.pageSize
        for slot in memory.slots where !slot.readOnly {
            let low = max(start, slot.base)
            let high = min(end, slot.base &+ slot.size)
            guard low < high else { continue }
            _ = host_memory_discard(slot.host + Int(truncatingIfNeeded: low &- slot.base), Int(truncatingIfNeeded: high &- low))
        }
    }
}

/// Pages with consecutive numbers, as they come up or down.
private struct PageRun {
    var first: UInt64 = 0
    var count: UInt64 = 0

    /// False when the page isn't a neighbour.
    mutating func extend(by page: UInt32) -> Bool {
        let page = UInt64(page)
        if count == 0 {
            first = page
        } else if page &+ 1 == first {
            first = page
        } else if page != first &+ count {
            return false
        }
        count &+= 1
        return true
    }
}
