import CHost

/// A layer over another back end that takes all writes, and is gone with the machine: `snapshot`.
///
/// Written sectors are in `layer` at their own places; a bit for each sector says which they are. Since a
/// sector is the least that a guest can write, nothing ever has to be copied up.
package final class OverlayBackend: BlockBackend, @unchecked Sendable {
    private let base: any BlockBackend
    private let layer: any BlockBackend
    /// One bit a sector, in words that are only touched atomically. Pages of it become resident with use.
    private let written: UnsafeMutableRawPointer
    private let bitmapBytes: Int

    /// `layer` is at least as large as `base`, and written by nobody else.
    package init(over base: any BlockBackend, layer: any BlockBackend) throws(ImageError) {
        self.base = base
        self.layer = layer
        let words = Int(base.size / FileImage.sector / 64) &+ 1
        bitmapBytes = (words &* 8 &+ 4095) & ~4095
        var error: Int32 = 0
        guard let memory = host_memory_reserve(bitmapBytes, 4096, &error) else { throw .noMemory }
        written = memory
    }

    deinit { host_memory_release(written, bitmapBytes) }

    package var size: UInt64 { base.size }
    package var physicalBlockSize: UInt32 { base.physicalBlockSize }
    package var isReadOnly: Bool { false }
    package var canDiscard: Bool { true }

    package func commit() {
        base.commit()
        layer.commit()
    }

    package func close() {
        base.close()
        layer.close()
    }

    package func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) {
        switch operation {
        case .read(let offset, let segments): read(offset, segments, done)
        case .write(let offset, let segments):
            let count = UInt64(segments.byteCount)
            layer.submit(operation) { [self] succeeded in
                if succeeded { mark(offset, count) }
                done(succeeded)
            }
        // It won't outlive the machine: there is nothing to keep safe.
        case .flush: done(true)
        // A sector whose content isn't needed any more may as well be zero, and then needs no room.
        case .discard(let offset, let count), .writeZeroes(let offset, let count, _):
            layer.submit(.writeZeroes(offset: offset, count: count, mayUnmap: true)) { [self] succeeded in
                if succeeded { mark(offset, count) }
                done(succeeded)
            }
        }
    }

    /// Splits a read into runs of sectors that are in the layer, or aren't.
    private func read(_ offset: UInt64, _ segments: [BufferSegment], _ done: @escaping BlockCompletion) {
        var runs: [(isWritten: Bool, start: UInt64, end: UInt64)] = []
        var sector = offset / FileImage.sector
        let end = (offset &+ UInt64(segments.byteCount) &+ (FileImage.sector &- 1)) / FileImage.sector
        while sector < end {
            let isWritten = isWritten(sector)
            let start = sector
            while sector < end, self.isWritten(sector) == isWritten { sector &+= 1 }
            runs.append((isWritten, start, sector))
        }
        if runs.count <= 1 {
            let place = runs.first?.isWritten == true ? layer : base
            return place.submit(.read(offset: offset, into: segments), done)
        }
        let countdown = Countdown(runs.count, done)
        for run in runs {
            let from = Int(truncatingIfNeeded: run.start &* FileImage.sector &- offset)
            let count = Int(truncatingIfNeeded: (run.end &- run.start) &* FileImage.sector)
            let operation = BlockOperation.read(offset: run.start &* FileImage.sector, into: segments.slice(from, count))
            (run.isWritten ? layer : base).submit(operation) { countdown.arrive($0) }
        }
    }

    private func word(_ sector: UInt64) -> UnsafeMutableRawPointer {
        written + Int(truncatingIfNeeded: sector / 64 &* 8)
    }

    private func isWritten(_ sector: UInt64) -> Bool {
        host_atomic_load_64(word(sector)) &>> (sector & 63) & 1 != 0
    }

    private func mark(_ offset: UInt64, _ count: UInt64) {
        var sector = offset / FileImage.sector
        var left = (count &+ (FileImage.sector &- 1)) / FileImage.sector
        while left > 0 {
            let first = sector & 63
            let n = min(left, 64 &- first)
            let mask: UInt64 = n == 64 ? ~0 : ((1 &<< n) &- 1) &<< first
            _ = host_atomic_or_64(word(sector), mask)
            sector &+= n
            left &-= n
        }
    }
}
