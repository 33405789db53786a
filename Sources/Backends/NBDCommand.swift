import CHost
import VirtIO

/// One command to an NBD server: an operation of ours, or a part of one.
final class NBDCommand: @unchecked Sendable {
    enum Kind { case read, write, flush, trim, zero(keepsRoom: Bool), zeroByWriting }

    let kind: Kind
    let offset: UInt64
    let count: Int
    private let segments: [BufferSegment]
    /// Guest memory, or a copy when that is in several pieces. Taken as late as possible.
    private(set) var buffer: UnsafeMutableRawPointer?
    private var isCopy = false
    private var done: BlockCompletion?
    /// Its place among those that the server has.
    var slot = 0

    init(_ kind: Kind, offset: UInt64, count: Int, segments: [BufferSegment] = [], _ done: @escaping BlockCompletion) {
        self.kind = kind
        self.offset = offset
        self.count = count
        self.segments = segments
        self.done = done
    }

    deinit { if isCopy, let buffer { host_aligned_free(buffer) } }

    /// False when there is no memory for a copy.
    func takeBuffer() -> Bool {
        switch kind {
        case .flush, .trim, .zero: return true
        case .read, .write, .zeroByWriting: break
        }
        if segments.count == 1 {
            buffer = segments[0].base
            return true
        }
        guard let copy = host_aligned_allocate(count, 4096) else { return false }
        buffer = copy
        isCopy = true
        switch kind {
        case .write:
            var at = 0
            for segment in segments {
                host_copy(copy + at, segment.base, segment.count)
                at += segment.count
            }
        case .zeroByWriting: host_fill(copy, 0, count)
        default: break
        }
        return true
    }

    /// To be called once; further calls do nothing.
    func finish(_ succeeded: Bool) {
        guard let done else { return }
        self.done = nil
        if succeeded, isCopy, case .read = kind, let buffer {
            var at = 0
            for segment in segments {
                host_copy(segment.base, buffer + at, segment.count)
                at += segment.count
            }
        }
        done(succeeded)
    }
}
