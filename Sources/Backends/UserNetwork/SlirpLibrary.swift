import CSlirp
import Synchronization

/// libslirp keeps its clock and the host's name servers in global variables, so its calls exclude each other, not
/// only those to one network.
enum SlirpLibrary {
    private static let lock = Mutex(())

    static func call<Result>(_ body: () -> Result) -> Result { lock.withLock { _ in body() } }
}

extension in_addr {
    init(_ address: UInt32) { self.init(s_addr: address.bigEndian) }
}

extension in6_addr {
    /// `prefix` are the uppermost 16 bits, `host` the lowest; the rest is 0.
    init(prefix: UInt16, host: UInt16) {
        self.init()
        withUnsafeMutableBytes(of: &self) { bytes in
            bytes.storeBytes(of: prefix.bigEndian, as: UInt16.self)
            bytes.storeBytes(of: host.bigEndian, toByteOffset: 14, as: UInt16.self)
        }
    }
}
