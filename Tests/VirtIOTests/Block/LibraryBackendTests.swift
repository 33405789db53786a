import Backends
import CHost
import Testing
import VirtIO

#if canImport(Glibc)
import Glibc
#endif

enum Kernel {
    static let hasUring: Bool = {
        let file = ScratchFile(bytes: 4096)
        guard let image = try? FileImage(file.path, .init(isReadOnly: true)), let backend = UringBackend(image) else { return false }
        backend.close()
        return true
    }()
}

/// io_uring, where this machine's kernel has it for us.
@Suite(.enabled(if: Kernel.hasUring, "this kernel refuses io_uring"))
struct UringBackendTests {
    func backend(_ file: ScratchFile, readOnly: Bool = false, direct: Bool = false) throws -> UringBackend {
        try #require(UringBackend(try FileImage(file.path, .init(isReadOnly: readOnly, isDirect: direct))))
    }

    @Test(arguments: [false, true]) func behavesLikeTheModel(_ direct: Bool) throws {
        let file = ScratchFile(bytes: 256 * 512)
        let ring = try backend(file, direct: direct)
        compareWithModel(ring, seed: direct ? 4 : 3, steps: 400, start: [UInt8](repeating: 0, count: 256 * 512))
        ring.close()
    }

    @Test func failsAsThreadsDo() throws {
        let file = ScratchFile(bytes: 1000)
        do {
            let ring = try backend(file)
            #expect(read(512, at: 512, on: ring) == [UInt8](repeating: 0, count: 512))
            #expect(write([UInt8](repeating: 9, count: 512), at: 512, on: ring))
            #expect(file.size == 1024)
            #expect(!write([UInt8](repeating: 1, count: 512), at: 1024, on: ring))
            file.setSize(512)
            #expect(read(512, at: 0, on: ring) != nil)
            #expect(read(512, at: 512, on: ring) == nil)
            #expect(read(1024, at: 0, on: ring) == nil)
            ring.close()
        }
        let locked = try backend(file, readOnly: true)
        #expect(!write([UInt8](repeating: 1, count: 512), at: 0, on: locked))
        #expect(perform(.flush, on: locked))
        locked.close()
    }

    /// More than the ring and its completion queue have room for, from one thread before any is taken.
    @Test func manyAtOnce() throws {
        let file = ScratchFile(bytes: 4 << 20)
        let ring = try backend(file)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 << 20, alignment: 4096)
        defer { memory.deallocate() }
        for i in 0..<8192 { (memory + i * 512).initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: i &* 31), count: 512) }
        let count = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 4)
        defer { count.deallocate() }
        count.storeBytes(of: 0, as: UInt32.self)
        nonisolated(unsafe) let counter = count
        for i in 0..<8192 {
            ring.submit(.write(offset: UInt64(i * 512), from: [BufferSegment(base: memory + i * 512, count: 512)])) { ok in
                if ok { _ = host_atomic_add_32(counter, 1) }
            }
        }
        ring.commit()
        #expect(perform(.flush, on: ring))
        while host_atomic_load_32(count) < 8192 { host_sleep_ns(1_000_000) }
        ring.close()
        #expect(file.content(4 << 20) == [UInt8](UnsafeRawBufferPointer(start: memory, count: 4 << 20)))
    }
}

@Suite struct NBDAddressTests {
    @Test func forms() {
        #expect(NBDAddress("nbd:unix:/run/x") == .unix(path: "/run/x", export: ""))
        #expect(NBDAddress("nbd:unix:/run/x:exportname=a:b") == .unix(path: "/run/x", export: "a:b"))
        #expect(NBDAddress("nbd:localhost:10809") == .tcp(host: "localhost", port: "10809", export: ""))
        #expect(NBDAddress("nbd:[::1]:10809:exportname=x") == .tcp(host: "::1", port: "10809", export: "x"))
        #expect(NBDAddress("nbd://h/x") == .uri("nbd://h/x"))
        #expect(NBDAddress("nbd+unix:///n?socket=/s") == .uri("nbd+unix:///n?socket=/s"))
        for text in ["nbd:", "nbd:unix:", "nbd:host", "nbd:host:", "nbd::1", "nbd:host:http", "nbd:exportname=x"] {
            #expect(NBDAddress(text) == nil, "\(text)")
        }
    }

    @Test func aServerThatIsNotThere() {
        for address in ["nbd:unix:/nonexistent/socket", "nbd:127.0.0.1:1", "nbd+unix:///?socket=/nonexistent/socket"] {
            do throws(BackendError) {
                _ = try NBDBackend(address, isReadOnly: false)
                Issue.record("connected to \(address)")
            } catch {
                guard case .missing(let reason) = error else {
                    Issue.record("\(address): \(error)")
                    continue
                }
                #expect(!reason.contains("\n"))
            }
        }
        #expect(throws: BackendError.self) { _ = try NBDBackend("nbd:nonsense", isReadOnly: false) }
    }
}

/// A server that tests start, and end.
private final class Server: @unchecked Sendable {
    let socket: String
    private let directory: String
    private(set) var pid: pid_t = 0

    static func has(_ name: String) -> Bool { ["/usr/bin", "/usr/sbin", "/bin"].contains { access("\($0)/\(name)", X_OK) == 0 } }

    /// `arguments` gets the socket's path.
    init?(_ arguments: (String) -> [String]) {
        var name = Array("/tmp/rvkvm-nbd-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { return nil }
        directory = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        socket = directory + "/s"
        var argv: [UnsafeMutablePointer<CChar>?] = arguments(socket).map { strdup($0) } + [nil]
        defer { for one in argv { free(one) } }
        guard posix_spawnp(&pid, argv[0]!, nil, nil, &argv, environ) == 0 else { return nil }
        // The socket's name is there a moment before anybody listens.
        for _ in 0..<1000 {
            if isListening { break }
            host_sleep_ns(10_000_000)
        }
    }

    private var isListening: Bool {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socket.utf8.prefix(100)) }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    func kill() {
        guard pid > 0 else { return }
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        pid = 0
    }

    deinit {
        kill()
        unlink(socket)
        rmdir(directory)
    }
}

@Suite(.enabled(if: Server.has("nbdkit"), "nbdkit isn't installed"))
struct NBDTests {
    private func nbdkit(_ options: [String]) throws -> Server {
        try #require(Server { ["nbdkit", "-f", "-U", $0] + options })
    }

    @Test func behavesLikeTheModel() throws {
        let server = try nbdkit(["memory", "131072"])
        let disk = try NBDBackend("nbd:unix:\(server.socket)", isReadOnly: false)
        #expect(disk.size == 131072)
        #expect(disk.canDiscard)
        compareWithModel(disk, seed: 5, steps: 400, start: [UInt8](repeating: 0, count: 131072))
        disk.close()
    }

    /// Without trim, zero or flush of the server's own.
    @Test func aPoorServerWillDo() throws {
        let server = try nbdkit(["--filter=nozero", "memory", "131072", "zeromode=none"])
        let disk = try NBDBackend("nbd+unix:///?socket=\(server.socket)", isReadOnly: false)
        compareWithModel(disk, seed: 6, steps: 200, start: [UInt8](repeating: 0, count: 131072))
        disk.close()
    }

    @Test func largeTransfersAreSplit() throws {
        let server = try nbdkit(["memory", "16M"])
        let disk = try NBDBackend("nbd:unix:\(server.socket)", isReadOnly: false)
        var generator = Fixed(9)
        let block = random(4096, &generator)
        let bytes = (0..<2500).flatMap { i in block.map { $0 &+ UInt8(truncatingIfNeeded: i) } }
        #expect(write(bytes, at: 512, on: disk, piece: 3000))
        #expect(read(bytes.count, at: 512, on: disk) == bytes)
        disk.close()
    }

    @Test func readOnlyExports() throws {
        let server = try nbdkit(["-r", "memory", "1M"])
        let address = "nbd:unix:\(server.socket)"
        #expect(throws: BackendError.usage("its server exports it for reading only; add ,readonly or ,snapshot")) {
            _ = try NBDBackend(address, isReadOnly: false)
        }
        let disk = try NBDBackend(address, isReadOnly: true)
        #expect(read(512, at: 0, on: disk) == [UInt8](repeating: 0, count: 512))
        #expect(!write([UInt8](repeating: 0, count: 512), at: 0, on: disk))
        disk.close()
    }

    @Test func aServerThatDiesGivesErrors() throws {
        let server = try nbdkit(["--filter=delay", "memory", "1M", "rdelay=60"])
        let disk = try NBDBackend("nbd:unix:\(server.socket)", isReadOnly: false)
        #expect(write([UInt8](repeating: 1, count: 512), at: 0, on: disk))
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
        defer { memory.deallocate() }
        nonisolated(unsafe) let answers = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 4)
        answers.storeBytes(of: 0, as: UInt32.self)
        defer { answers.deallocate() }
        // More than are sent at once: those that still wait have to fail as well.
        for _ in 0..<200 {
            disk.submit(.read(offset: 0, into: [BufferSegment(base: memory, count: 512)])) { ok in
                if !ok { _ = host_atomic_add_32(answers, 1) }
            }
        }
        server.kill()
        while host_atomic_load_32(answers) < 200 { host_sleep_ns(1_000_000) }
        #expect(!write([UInt8](repeating: 1, count: 512), at: 0, on: disk))
        #expect(!perform(.flush, on: disk))
        disk.close()
    }

    @Test func errorsOfTheServerAreErrors() throws {
        let server = try nbdkit(["--filter=error", "memory", "1M", "error-pwrite=ENOSPC", "error-pwrite-rate=100%"])
        let disk = try NBDBackend("nbd:unix:\(server.socket)", isReadOnly: false)
        #expect(!write([UInt8](repeating: 1, count: 512), at: 0, on: disk))
        #expect(read(512, at: 0, on: disk) != nil)
        disk.close()
    }
}
