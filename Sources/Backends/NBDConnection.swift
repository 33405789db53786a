import CNBD
import Glibc
import VirtIO

/// A libnbd handle that is connected, and what its server can do. Used by one thread at a time.
final class NBDConnection: @unchecked Sendable {
    private(set) var handle: OpaquePointer?
    let size: UInt64
    let isReadOnly: Bool
    let canFlush: Bool
    let canTrim: Bool
    let canZero: Bool
    /// The largest transfer that the server takes, and the block it likes best.
    let largestTransfer: Int
    let preferredBlock: UInt32

    /// How long a server may take to answer, in seconds.
    static let patience = 30

    init(_ text: String) throws(BackendError) {
        guard let address = NBDAddress(text) else {
            throw .usage("an NBD server's address is nbd:unix:PATH, nbd:HOST:PORT, either with :exportname=NAME behind it, or a URI such as nbd://HOST/NAME")
        }
        guard let handle = nbd_create() else { throw .host(Self.lastError) }
        do throws(BackendError) {
            try Self.connect(handle, address)
            size = UInt64(max(nbd_get_size(handle), 0)) & ~511
            guard size > 0 else { throw .data("its server exports less than one sector") }
            let least = nbd_get_block_size(handle, Int32(LIBNBD_SIZE_MINIMUM))
            guard least <= 512 else {
                throw .data("its server wants blocks of \(least) bytes, and a disk's sectors have 512; serve it with nbdkit --filter=blocksize, for example")
            }
        } catch {
            nbd_close(handle)
            throw error
        }
        self.handle = handle
        isReadOnly = nbd_is_read_only(handle) > 0
        canFlush = nbd_can_flush(handle) > 0
        canTrim = nbd_can_trim(handle) > 0
        canZero = nbd_can_zero(handle) > 0
        let largest = nbd_get_block_size(handle, Int32(LIBNBD_SIZE_MAXIMUM))
        largestTransfer = Int(min(largest <= 0 ? Int64.max : max(largest & ~511, 512), 1 << 20))
        let preferred = nbd_get_block_size(handle, Int32(LIBNBD_SIZE_PREFERRED))
        preferredBlock = preferred > 512 && preferred <= 4096 && preferred & (preferred - 1) == 0 ? UInt32(preferred) : 512
    }

    deinit { close() }

    /// Breaks the connection off; libnbd touches no buffer afterwards.
    func close() {
        if let handle { nbd_close(handle) }
        handle = nil
    }

    private static func connect(_ handle: OpaquePointer, _ address: NBDAddress) throws(BackendError) {
        let status: Int32
        switch address {
        case .uri(let uri): status = nbd_aio_connect_uri(handle, uri)
        case .unix(let path, let export):
            guard nbd_set_export_name(handle, export) == 0 else { throw .usage(lastError) }
            status = nbd_aio_connect_unix(handle, path)
        case .tcp(let host, let port, let export):
            guard nbd_set_export_name(handle, export) == 0 else { throw .usage(lastError) }
            status = nbd_aio_connect_tcp(handle, host, port)
        }
        guard status == 0 else { throw refused }
        // Against the clock: a server that accepts and says nothing would hold us for ever.
        let deadline = now() + patience
        while nbd_aio_is_ready(handle) <= 0 {
            if nbd_aio_is_dead(handle) > 0 || nbd_aio_is_closed(handle) > 0 { throw refused }
            if nbd_poll(handle, 1000) < 0 { throw refused }
            if now() >= deadline { throw .missing("its server hasn't answered for \(patience) seconds; see whether it serves NBD") }
        }
        // Buffers that a failed read didn't fill go to nobody.
        _ = nbd_set_pread_initialize(handle, false)
    }

    private static var refused: BackendError { .missing("\(lastError); see whether its server runs") }

    /// libnbd's words, on one line.
    static var lastError: String {
        guard let text = nbd_get_error() else { return "libnbd gives no reason" }
        return String(decoding: String(cString: text).utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
    }

    /// Seconds of CLOCK_MONOTONIC.
    static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }
}
