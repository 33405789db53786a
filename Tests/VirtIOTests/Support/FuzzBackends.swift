import CHost
import Devices
import Synchronization
import VirtIO

/// A disk of zeros that holds what it is asked against what it has.
final class FuzzDisk: BlockBackend {
    let size: UInt64 = 1 << 20
    let physicalBlockSize: UInt32 = 4096
    let isReadOnly = false
    let canDiscard = true
    /// Operations that weren't inside the disk.
    let outside = Atomic<Int>(0)
    let inside = Atomic<Int>(0)

    func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) {
        switch operation {
        case .read(let offset, let segments):
            check(offset, segments.reduce(0) { $0 + UInt64($1.count) })
            for s in segments { host_fill(s.base, 0, s.count) }
        case .write(let offset, let segments): check(offset, segments.reduce(0) { $0 + UInt64($1.count) })
        case .flush: break
        case .discard(let offset, let count): check(offset, count)
        case .writeZeroes(let offset, let count, _): check(offset, count)
        }
        done(true)
    }
    func commit() {}
    func close() {}

    private func check(_ offset: UInt64, _ count: UInt64) {
        let good = offset <= size && count <= size - offset
        if good { inside.add(1, ordering: .relaxed) } else { outside.add(1, ordering: .relaxed) }
    }
}

/// A network that swallows every frame and sends small ones as fast as they are taken.
final class FuzzNetwork: NetworkBackend, @unchecked Sendable {
    let traits: NetworkTraits
    let frames = Atomic<Int>(0)
    private var receiver: (any NetworkReceiver)?
    private let incoming = [UInt8](repeating: 0xFF, count: 60)

    init(_ traits: NetworkTraits) { self.traits = traits }

    func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures) { self.receiver = receiver }
    func detach() { receiver = nil }
    func setGuestOffloads(_ offloads: NetworkFeatures) {}
    func setActivePairs(_ count: Int) {}
    func prepare(_ polls: PollSet) -> Int32 { receiver?.hasRoom(pair: 0) == true ? 0 : -1 }
    func service(_ polls: PollSet) {
        guard let receiver, receiver.hasRoom(pair: 0) else { return }
        if traits.hasHeader {
            guard let room = receiver.room(pair: 0), let first = room.first, first.count > 0 else { return }
            host_fill(first.base!, 0, min(first.count, 72))
            receiver.received(min(first.count, 72), pair: 0)
        } else {
            incoming.withUnsafeBytes { receiver.receive($0, pair: 0, isChecked: false) }
        }
    }
    func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult {
        // Touches every byte, as a real one does.
        var sum: UInt8 = 0
        for part in frame { for byte in UnsafeRawBufferPointer(start: part.base, count: part.count) { sum &+= byte } }
        return frames.add(1, ordering: .relaxed).newValue & 0xFF == Int(sum) ? .full : .done
    }
    func flush(pair: Int) {}
    func canSend(pair: Int) -> Bool { true }
}

/// A terminal on which somebody types without end and nobody reads.
final class FuzzTerminal: ConsoleFarEnd {
    let written = Atomic<Int>(0)
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        written.add(bytes.count, ordering: .relaxed)
        return bytes.count
    }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, 16)
        for i in 0..<count { buffer[i] = 0x61 }
        return count
    }
    var isConnected: Bool { true }
    var size: ConsoleSize? { ConsoleSize(columns: 80, rows: 25) }
    func guestOpened(_ isOpen: Bool) {}
    func attach(wake: Int32) {}
}
