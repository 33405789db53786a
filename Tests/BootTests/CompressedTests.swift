import Boot
import CZlib
import CZstd
import Foundation
import Testing

/// gzip of `bytes`, by the same zlib that Boot links.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    var out = [UInt8](repeating: 0, count: bytes.count / 2 + bytes.count + 1024)
    let count = withUnsafeMutablePointer(to: &stream) { stream -> Int in
        deflateInit2_(stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        var input = bytes
        return input.withUnsafeMutableBufferPointer { from in
            out.withUnsafeMutableBufferPointer { to in
                stream.pointee.next_in = from.baseAddress
                stream.pointee.avail_in = UInt32(from.count)
                stream.pointee.next_out = to.baseAddress
                stream.pointee.avail_out = UInt32(to.count)
                deflate(stream, Z_FINISH)
                let made = Int(stream.pointee.total_out)
                deflateEnd(stream)
                return made
            }
        }
    }
    return Array(out[..<count])
}

func zstd(_ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = out.withUnsafeMutableBytes { ZSTD_compress($0.baseAddress, $0.count, bytes, bytes.count, 3) }
    return Array(out[..<count])
}

@Suite struct CompressedTests {
    /// 300 KiB that don't shrink to nothing, so that the stream can be cut in many places.
    private let kernel: [UInt8] = {
        var random = Xorshift(state: 5)
        var bytes = image(length: 300 << 10)
        for i in stride(from: 64, to: bytes.count, by: 7) { bytes[i] = UInt8.random(in: 0...255, using: &random) }
        return bytes
    }()

    @Test func gzipImage() throws {
        let parsed = try parse(gzip(kernel))
        #expect(parsed.format == "Image (gzip)")
        #expect(parsed.bytes.array() == kernel)
    }

    @Test func zstdImage() throws {
        let parsed = try parse(zstd(kernel))
        #expect(parsed.format == "Image (zstd)")
        #expect(parsed.bytes.array() == kernel)
    }

    @Test func compressedELF() throws {
        #expect(try parse(gzip(elf())).format == "ELF (gzip)")
        #expect(try parse(zstd(elf())).entry == 0x8020_0000)
    }

    @Test func severalMembersAndTrailingBytes() throws {
        let half = kernel.count / 2
        let front = Array(kernel[..<half]), back = Array(kernel[half...])
        #expect(try parse(gzip(front) + gzip(back)).bytes.array() == kernel)
        #expect(try parse(zstd(front) + zstd(back)).bytes.array() == kernel)
        #expect(try parse(gzip(kernel) + [1, 2, 3, 4]).bytes.array() == kernel)
        #expect(try parse(zstd(kernel) + [0, 0xB0, 4, 0]).bytes.array() == kernel)
    }

    @Test func exactlyAsLargeAsRAM() throws {
        // The output just fills its bound; placing it then fails, and not the unpacking.
        let whole = [UInt8](repeating: 0, count: 4 << 20)
        for packed in [gzip(whole), zstd(whole)] {
            #expect(parseError(packed, 4 * miB)?.message.contains("no kernel of a kind") == true)
            #expect(parseError(packed, 4 * miB - 4096)?.message.contains("unpacks (") == true)
        }
    }

    @Test func truncated() {
        for packed in [gzip(kernel), zstd(kernel)] {
            for length in stride(from: 5, to: packed.count, by: packed.count / 97) {
                let error = parseError(Array(packed[..<length]))
                #expect(error?.category == .badData)
                #expect(error?.message.contains("truncated copy") == true, "\(length): \(error?.message ?? "accepted")")
            }
            #expect(parseError(Array(packed.dropLast()))?.message.contains("truncated copy") == true)
        }
    }

    @Test func bombs() {
        // A GiB of zeroes, packed twice, is about 1 KiB for gzip; unpacked once it is a MiB.
        let zeroes = [UInt8](repeating: 0, count: 64 << 20)
        for packed in [gzip(zeroes), zstd(zeroes)] {
            let error = parseError(packed, 16 * miB)
            #expect(error?.category == .usage)
            #expect(error?.message.contains("more than the guest's 16 MiB of RAM") == true)
        }
        #expect(parseError(gzip(gzip(zeroes)))?.message == "--kernel k: is gzip of gzip data; rvkvm needs a riscv64 Image or ELF")
    }

    @Test func manyEmptyMembers() {
        let empty = gzip([])
        let packed = Array(repeatElement(empty, count: 50_000).joined())
        #expect(parseError(packed)?.message == "--kernel k: is gzip of nothing; rvkvm needs a riscv64 Image or ELF")
    }

    @Test func whatIsInside() {
        #expect(parseError(gzip(Array("hello, world\n".utf8)))?.message == "--kernel k: is gzip of a text file; rvkvm needs a riscv64 Image or ELF")
        #expect(parseError(zstd(elf(machine: 62)))?.message == "--kernel k: is zstd of ELF for x86-64; rvkvm needs a riscv64 Image or ELF")
    }

    @Test func corruption() {
        var random = Xorshift(state: 11)
        // gzip carries a checksum; zstd does only when asked to, so that it may let changed bytes pass.
        let packed = gzip(kernel)
        for _ in 0..<300 { #expect(parseError(mutate(packed, &random)) != nil) }
        let frame = zstd(kernel)
        for _ in 0..<1000 { _ = parseError(mutate(frame, &random)) }
    }

    private func zboot(_ payload: [UInt8], method: String = "gzip", machine: UInt16 = 0x5064, offset: UInt32 = 0x200, size: UInt32? = nil) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 0x200)
        out.put("MZ", at: 0)
        out.put("zimg", at: 4)
        out.put(offset, at: 8)
        out.put(size ?? UInt32(payload.count), at: 12)
        out.put(method, at: 24)
        out.put(UInt32(0x8182_23CD), at: 0x38)
        out.put(UInt32(0x40), at: 0x3C)
        out.put("PE\0\0", at: 0x40)
        out.put(machine, at: 0x44)
        return out + payload
    }

    @Test func efiZboot() throws {
        #expect(try parse(zboot(gzip(kernel))).bytes.array() == kernel)
        #expect(try parse(zboot(zstd(kernel), method: "zstd22")).format == "Image (zstd)")
        #expect(parseError(zboot([1, 2, 3, 4], method: "lzma"))?.message.contains("packed with lzma, and rvkvm unpacks gzip and zstd") == true)
        #expect(parseError(zboot(gzip(kernel), machine: 0xAA64))?.message.contains("another architecture") == true)
        #expect(parseError(zboot(gzip(kernel), offset: .max, size: .max))?.message.contains("truncated copy") == true)
        #expect(parseError(zboot(gzip(kernel), offset: 0x201))?.message.contains("truncated copy") == true)
        #expect(parseError(Array(zboot([])[..<20]))?.category == .badData)
        #expect(parseError(zboot([], size: 0))?.category == .badData)
    }
}
