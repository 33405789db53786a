import CHost
import Testing
import VirtIO

#if canImport(Glibc)
import Glibc
#endif

/// A file of its own that goes away with the test.
final class ScratchFile: Sendable {
    let path: String

    init(bytes: UInt64) {
        var name = Array("/tmp/rvkvm-image-XXXXXX".utf8CString)
        let fd = mkstemp(&name)
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        ftruncate(fd, off_t(bytes))
        close(fd)
    }
    deinit { unlink(path) }

    func setSize(_ bytes: UInt64) { truncate(path, off_t(bytes)) }
    var size: UInt64 {
        var s = stat()
        stat(path, &s)
        return UInt64(s.st_size)
    }
    var allocated: UInt64 {
        var s = stat()
        stat(path, &s)
        return UInt64(s.st_blocks) * 512
    }
    func fill(_ bytes: [UInt8], at offset: UInt64 = 0) {
        let fd = open(path, O_WRONLY)
        pwrite(fd, bytes, bytes.count, off_t(offset))
        close(fd)
    }
    func content(_ count: Int, at offset: UInt64 = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xDD, count: count)
        let fd = open(path, O_RDONLY)
        let n = pread(fd, &bytes, count, off_t(offset))
        close(fd)
        return Array(bytes.prefix(max(n, 0)))
    }
}

/// Carries one operation out and waits for it.
func perform(_ operation: BlockOperation, on backend: any BlockBackend) -> Bool {
    let mutex = host_mutex_create(), changed = host_cond_create()
    defer {
        host_cond_destroy(changed)
        host_mutex_destroy(mutex)
    }
    nonisolated(unsafe) var result: Bool?
    let handles = Handles(mutex: mutex, changed: changed)
    backend.submit(operation) { ok in
        host_mutex_lock(handles.mutex)
        result = ok
        host_cond_signal(handles.changed)
        host_mutex_unlock(handles.mutex)
    }
    backend.commit()
    host_mutex_lock(mutex)
    defer { host_mutex_unlock(mutex) }
    while true {
        if let result { return result }
        host_cond_wait(changed, mutex)
    }
}

private struct Handles: @unchecked Sendable {
    let mutex: OpaquePointer
    let changed: OpaquePointer
}

func write(_ bytes: [UInt8], at offset: UInt64, on backend: any BlockBackend, piece: Int = .max, skew: Int = 0) -> Bool {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + skew + 1, alignment: 4096)
    defer { memory.deallocate() }
    bytes.withUnsafeBytes { if let base = $0.baseAddress { (memory + skew).copyMemory(from: base, byteCount: bytes.count) } }
    return perform(.write(offset: offset, from: pieces(memory + skew, bytes.count, piece)), on: backend)
}

func read(_ count: Int, at offset: UInt64, on backend: any BlockBackend, piece: Int = .max, skew: Int = 0) -> [UInt8]? {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count + skew + 1, alignment: 4096)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: count + skew + 1)
    guard perform(.read(offset: offset, into: pieces(memory + skew, count, piece)), on: backend) else { return nil }
    return [UInt8](UnsafeRawBufferPointer(start: memory + skew, count: count))
}

private func pieces(_ base: UnsafeMutableRawPointer, _ count: Int, _ piece: Int) -> [BufferSegment] {
    stride(from: 0, to: count, by: min(piece, max(count, 1))).map { BufferSegment(base: base + $0, count: min(piece, count - $0)) }
}

func random(_ count: Int, _ generator: inout some RandomNumberGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}

/// The same numbers each time.
struct Fixed: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed &* 2 &+ 1 }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var x = state
        x ^= x >> 33
        x = x &* 0xFF51_AFD7_ED55_8CCD
        return x ^ (x >> 33)
    }
}

/// Random operations beside an array that says what must be read.
func compareWithModel(_ backend: any BlockBackend, seed: UInt64, steps: Int, start: [UInt8]) {
    var model = start
    var generator = Fixed(seed)
    let sectors = model.count / 512
    for step in 0..<steps {
        let sector = Int.random(in: 0..<sectors, using: &generator)
        let count = Int.random(in: 1...min(24, sectors - sector), using: &generator)
        let range = sector * 512..<(sector + count) * 512
        let piece = [Int.max, 512, 4096, 700, 1].randomElement(using: &generator)!
        let skew = [0, 0, 1, 8, 512].randomElement(using: &generator)!
        switch Int.random(in: 0..<8, using: &generator) {
        case 0, 1, 2:
            let bytes = random(range.count, &generator)
            #expect(write(bytes, at: UInt64(range.lowerBound), on: backend, piece: piece, skew: skew))
            model.replaceSubrange(range, with: bytes)
        case 3:
            #expect(perform(.writeZeroes(offset: UInt64(range.lowerBound), count: UInt64(range.count), mayUnmap: step % 2 == 0), on: backend))
            model.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
        case 4: #expect(perform(.flush, on: backend))
        default:
            let bytes = read(range.count, at: UInt64(range.lowerBound), on: backend, piece: piece, skew: skew)
            guard bytes == Array(model[range]) else {
                Issue.record("seed \(seed), step \(step): sectors \(sector)+\(count) differ from the model")
                return
            }
        }
    }
    #expect(read(model.count, at: 0, on: backend) == model)
}

@Suite struct ImageTests {
    func image(_ file: ScratchFile, readOnly: Bool = false, direct: Bool = false) throws(ImageError) -> FileImage {
        try FileImage(file.path, .init(isReadOnly: readOnly, isDirect: direct))
    }

    @Test(arguments: [false, true]) func fileBehavesLikeTheModel(_ direct: Bool) throws {
        let file = ScratchFile(bytes: 256 * 512)
        let backend = try ThreadedFileBackend(try image(file, direct: direct))
        compareWithModel(backend, seed: direct ? 2 : 1, steps: 400, start: [UInt8](repeating: 0, count: 256 * 512))
        let all = read(256 * 512, at: 0, on: backend)
        backend.close()
        #expect(file.content(256 * 512) == all)
    }

    /// A length that is no multiple of a sector: the last one is filled up with zeros, and the file grows when it is written.
    @Test func theLastSectorIsFilledUp() throws {
        let file = ScratchFile(bytes: 1000)
        file.fill([UInt8](repeating: 7, count: 1000))
        let backend = try ThreadedFileBackend(try image(file))
        #expect(backend.size == 1024)
        #expect(read(512, at: 512, on: backend) == [UInt8](repeating: 7, count: 488) + [UInt8](repeating: 0, count: 24))
        #expect(file.size == 1000)
        #expect(write([UInt8](repeating: 9, count: 512), at: 512, on: backend))
        #expect(file.size == 1024)
        #expect(read(512, at: 512, on: backend) == [UInt8](repeating: 9, count: 512))
        backend.close()
    }

    @Test(arguments: [false, true]) func aFileThatShrinksGivesErrors(_ direct: Bool) throws {
        let file = ScratchFile(bytes: 1 << 20)
        let backend = try ThreadedFileBackend(try image(file, direct: direct))
        file.setSize(8192)
        #expect(read(4096, at: 0, on: backend) != nil)
        #expect(read(4096, at: 4096, on: backend) != nil)
        #expect(read(4096, at: 8192, on: backend) == nil)
        // Half there is not there.
        #expect(read(8192, at: 4096, on: backend) == nil)
        #expect(read(4096, at: (1 << 20) - 4096, on: backend) == nil)
        backend.close()
    }

    @Test func operationsBeyondTheEndFail() throws {
        let file = ScratchFile(bytes: 4096)
        let backend = try ThreadedFileBackend(try image(file))
        #expect(!write([UInt8](repeating: 1, count: 512), at: 4096, on: backend))
        #expect(read(1024, at: 3584, on: backend) == nil)
        #expect(!perform(.writeZeroes(offset: 3584, count: 1024, mayUnmap: true), on: backend))
        #expect(!perform(.discard(offset: .max, count: 512), on: backend))
        #expect(file.size == 4096)
        backend.close()
    }

    @Test func readOnlyImagesStayAsTheyAre() throws {
        let file = ScratchFile(bytes: 4096)
        let backend = try ThreadedFileBackend(try image(file, readOnly: true))
        #expect(!write([1], at: 0, on: backend))
        #expect(!perform(.discard(offset: 0, count: 512), on: backend))
        #expect(!perform(.writeZeroes(offset: 0, count: 512, mayUnmap: true), on: backend))
        #expect(perform(.flush, on: backend))
        backend.close()
    }

    @Test func discardAndUnmapGiveRoomBack() throws {
        let file = ScratchFile(bytes: 8 << 20)
        let backend = try ThreadedFileBackend(try image(file))
        #expect(write([UInt8](repeating: 5, count: 4 << 20), at: 0, on: backend))
        #expect(perform(.flush, on: backend))
        let full = file.allocated
        #expect(full >= 4 << 20)
        #expect(perform(.writeZeroes(offset: 0, count: 1 << 20, mayUnmap: false), on: backend))
        #expect(read(4096, at: 4096, on: backend) == [UInt8](repeating: 0, count: 4096))
        #expect(file.allocated >= 4 << 20)
        #expect(perform(.writeZeroes(offset: 0, count: 2 << 20, mayUnmap: true), on: backend))
        #expect(perform(.discard(offset: 2 << 20, count: 1 << 20), on: backend))
        #expect(file.allocated <= 2 << 20)
        #expect(read(2 << 20, at: 0, on: backend) == [UInt8](repeating: 0, count: 2 << 20))
        #expect(read(512, at: 3 << 20, on: backend) == [UInt8](repeating: 5, count: 512))
        backend.close()
    }

    /// A disk that is full, as far as this process goes: no file may grow beyond a limit. Other tests run in it
    /// meanwhile, with files smaller than that.
    @Test func aFullDiskGivesErrors() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let usual = limit.rlim_cur
        defer {
            limit.rlim_cur = usual
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        }
        limit.rlim_cur = 8 << 40
        let file = ScratchFile(bytes: 10 << 40)
        #expect(file.size == 10 << 40)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let backend = try ThreadedFileBackend(try image(file))
        #expect(write([UInt8](repeating: 1, count: 4096), at: 0, on: backend))
        #expect(!write([UInt8](repeating: 1, count: 4096), at: 9 << 40, on: backend))
        // Half of it fits: that isn't success either.
        #expect(!write([UInt8](repeating: 1, count: 8192), at: (8 << 40) - 4096, on: backend))
        #expect(write([UInt8](repeating: 1, count: 4096), at: 4096, on: backend))
        backend.close()
    }

    @Test func writersExcludeOthersAndReadersShare() throws {
        let file = ScratchFile(bytes: 4096)
        var writer: FileImage? = try image(file)
        for readOnly in [false, true] {
            do throws(ImageError) {
                _ = try image(file, readOnly: readOnly)
                Issue.record("opened twice")
            } catch {
                guard case .inUse(let pid, let name, let isOurs) = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(pid == getpid())
                #expect(!name.isEmpty)
                #expect(isOurs)
            }
        }
        withExtendedLifetime(writer) {}
        writer = nil
        let reader = try image(file, readOnly: true)
        let another = try image(file, readOnly: true)
        #expect(throws: ImageError.self) { _ = try image(file) }
        withExtendedLifetime((reader, another)) {}
    }

    @Test func whatIsNoImage() {
        func refusal(_ path: String, readOnly: Bool = true) -> ImageError? {
            do throws(ImageError) {
                _ = try FileImage(path, .init(isReadOnly: readOnly))
                return nil
            } catch { return error }
        }
        #expect(refusal("/nonexistent/a") == .cantOpen(errno: ENOENT))
        #expect(refusal("/tmp", readOnly: false) == .cantOpen(errno: EISDIR))
        #expect(refusal("/tmp") == .notAnImage)
        #expect(refusal("/dev/null", readOnly: false) == .notAnImage)
        #expect(refusal(ScratchFile(bytes: 0).path) == .cantOpen(errno: ENOENT))
        let empty = ScratchFile(bytes: 0)
        #expect(refusal(empty.path) == .empty)
    }

    @Test func overlayBehavesLikeTheModelAndLeavesTheBaseAlone() throws {
        var generator = Fixed(77)
        let content = random(256 * 512, &generator)
        let file = ScratchFile(bytes: 256 * 512)
        file.fill(content)
        for seed in 10..<14 as Range<UInt64> {
            let base = try ThreadedFileBackend(try image(file, readOnly: true))
            let layer = try ThreadedFileBackend(try FileImage.temporary(size: base.size))
            let overlay = try OverlayBackend(over: base, layer: layer)
            #expect(!overlay.isReadOnly)
            compareWithModel(overlay, seed: seed, steps: 300, start: content)
            overlay.close()
        }
        #expect(file.content(256 * 512) == content)
    }

    @Test func anOverlayReadsWhatItWasTold() throws {
        let disk = MemoryBackend(sectors: 200)
        disk.content = [UInt8](repeating: 0xAA, count: 200 * 512)
        let layer = MemoryBackend(sectors: 200)
        let overlay = try OverlayBackend(over: disk, layer: layer)
        // A run across words of the bitmap.
        #expect(write([UInt8](repeating: 1, count: 130 * 512), at: 10 * 512, on: overlay))
        _ = (disk.takeLog(), layer.takeLog())
        #expect(read(200 * 512, at: 0, on: overlay) == [UInt8](repeating: 0xAA, count: 5120) + [UInt8](repeating: 1, count: 130 * 512) + [UInt8](repeating: 0xAA, count: 60 * 512))
        #expect(disk.takeLog() == ["read 0 5120", "read 71680 30720"])
        #expect(layer.takeLog() == ["read 5120 66560"])
        // What couldn't be written isn't there.
        layer.fail("write")
        #expect(!write([UInt8](repeating: 2, count: 512), at: 0, on: overlay))
        #expect(read(512, at: 0, on: overlay) == [UInt8](repeating: 0xAA, count: 512))
        layer.fail(nil)
        disk.fail("read")
        #expect(read(200 * 512, at: 0, on: overlay) == nil)
        #expect(read(512, at: 5120, on: overlay) != nil)
        #expect(perform(.flush, on: overlay))
        #expect(perform(.discard(offset: 0, count: 512), on: overlay))
        #expect(read(512, at: 0, on: overlay) == [UInt8](repeating: 0, count: 512))
        #expect(!disk.takeLog().contains { !$0.hasPrefix("read") })
    }
}
