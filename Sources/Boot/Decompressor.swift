import CZlib
import CZstd

/// Unpacks a compressed kernel into memory of a fixed bound: a bomb ends in an error, not in an
/// allocation.
enum Decompressor {
    /// Why a compressed stream can't be unpacked.
    enum Failure: Error {
        case truncated, corrupt, tooLarge, outOfMemory
    }

    /// Unpacks the gzip members at `range` of `bytes`; what follows the last of them is ignored, as gzip
    /// does. At most `limit` bytes come out.
    static func gunzip(_ bytes: PayloadBytes, _ range: Range<UInt64>, limit: UInt64, source: PayloadSource) throws(BootError) -> PayloadBytes {
        let out = try PayloadBytes(capacity: Int(clamping: limit), for: source)
        do throws(Failure) {
            out.use(try inflateMembers(bytes, range, into: out))
        } catch {
            throw explain(error, "gzip", limit, source)
        }
        return out
    }

    /// Unpacks the zstd frames at `range` of `bytes`, at most `limit` bytes.
    static func unzstd(_ bytes: PayloadBytes, _ range: Range<UInt64>, limit: UInt64, source: PayloadSource) throws(BootError) -> PayloadBytes {
        let out = try PayloadBytes(capacity: Int(clamping: limit), for: source)
        do throws(Failure) {
            out.use(try unpackFrames(bytes, range, into: out))
        } catch {
            throw explain(error, "zstd", limit, source)
        }
        return out
    }

    private static func inflateMembers(_ bytes: PayloadBytes, _ range: Range<UInt64>, into out: PayloadBytes) throws(Failure) -> Int {
        defer { withExtendedLifetime((bytes, out)) {} }
        guard bytes.holds(range.lowerBound, range.upperBound - range.lowerBound),
            let input = bytes.raw.baseAddress, let output = out.storage.baseAddress
        else { throw .truncated }
        // On the heap, because zlib checks that the stream stays where it was.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // 16 + 15: a gzip wrapper around the largest window.
        guard inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw .outOfMemory }
        defer { inflateEnd(stream) }
        let end = Int(range.upperBound), capacity = out.storage.count
        var consumed = Int(range.lowerBound), produced = 0
        while true {
            // zlib counts in 32 bits.
            let inChunk = min(end - consumed, 1 << 30), outChunk = min(capacity - produced, 1 << 30)
            stream.pointee.next_in = UnsafeMutablePointer(mutating: (input + consumed).assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(inChunk)
            stream.pointee.next_out = (output + produced).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(outChunk)
            let status = inflate(stream, Z_NO_FLUSH)
            consumed += inChunk - Int(stream.pointee.avail_in)
            produced += outChunk - Int(stream.pointee.avail_out)
            switch status {
            case Z_OK: continue
            case Z_STREAM_END:
                guard consumed < end, PayloadKind.isGzip(bytes, at: UInt64(consumed)), inflateReset(stream) == Z_OK
                else { return produced }
            case Z_BUF_ERROR:
                // No progress: one of the two sides has nothing left.
                if produced == capacity { throw .tooLarge }
                throw .truncated
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw .corrupt
            }
        }
    }

    private static func unpackFrames(_ bytes: PayloadBytes, _ range: Range<UInt64>, into out: PayloadBytes) throws(Failure) -> Int {
        defer { withExtendedLifetime((bytes, out)) {} }
        guard bytes.holds(range.lowerBound, range.upperBound - range.lowerBound),
            let input = bytes.raw.baseAddress, let output = out.storage.baseAddress
        else { throw .truncated }
        guard let context = ZSTD_createDCtx() else { throw .outOfMemory }
        defer { ZSTD_freeDCtx(context) }
        let end = Int(range.upperBound), capacity = out.storage.count
        var consumed = Int(range.lowerBound), produced = 0
        // Frame by frame, since the kernel's build appends bytes of its own to some of its files.
        repeat {
            let frame = ZSTD_findFrameCompressedSize(input + consumed, end - consumed)
            if ZSTD_isError(frame) != 0 { throw failure(frame) }
            let n = ZSTD_decompressDCtx(context, output + produced, capacity - produced, input + consumed, frame)
            if ZSTD_isError(n) != 0 { throw failure(n) }
            guard frame > 0 else { throw .corrupt }
            consumed += frame
            produced += n
        } while consumed < end && bytes.load(UInt64(consumed), as: UInt32.self) == PayloadKind.zstdMagic
        return produced
    }

    private static func failure(_ code: Int) -> Failure {
        switch ZSTD_getErrorCode(code) {
        case ZSTD_error_srcSize_wrong: .truncated
        case ZSTD_error_dstSize_tooSmall: .tooLarge
        case ZSTD_error_memory_allocation: .outOfMemory
        default: .corrupt
        }
    }

    private static func explain(_ failure: Failure, _ format: String, _ limit: UInt64, _ source: PayloadSource) -> BootError {
        switch failure {
        case .truncated: .badData(source, reason: "its \(format) data ends too early; the file is a truncated copy")
        case .corrupt: .badData(source, reason: "its \(format) data is corrupt; fetch or build the file again")
        case .tooLarge:
            .usage(source, reason: "unpacks (\(format)) to more than the guest's \(sizeText(limit)) of RAM; give more --mem if it is a kernel")
        case .outOfMemory: .host(source, reason: "the host has no memory left to unpack it")
        }
    }
}
