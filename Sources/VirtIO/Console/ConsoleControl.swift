/// A control message (virtio 1.2, 5.3.6.2): id, event, value, little-endian, and for some events more bytes.
struct ConsoleControl {
    enum Event: UInt16 {
        /// From the driver: 1 when it is set up.
        case deviceReady = 0
        /// From the device: there is a port.
        case deviceAdd = 1
        case deviceRemove = 2
        /// From the driver: 1 when the port is set up.
        case portReady = 3
        /// From the device: make a console of it.
        case consolePort = 4
        /// From the device: columns and rows follow.
        case resize = 5
        /// From both: 1 open, 0 closed.
        case portOpen = 6
        /// From the device: the name follows.
        case portName = 7
    }

    static let headerSize = 8

    let port: UInt32
    let event: UInt16
    let value: UInt16
    private let payload: [UInt8]

    init(_ event: Event, port: Int, value: UInt16 = 1, payload: [UInt8] = []) {
        self.port = UInt32(truncatingIfNeeded: port)
        self.event = event.rawValue
        self.value = value
        self.payload = payload
    }

    init(name: String, port: Int) { self.init(.portName, port: port, payload: Array(name.utf8)) }

    init(size: ConsoleSize, port: Int) {
        self.init(.resize, port: port, value: 0, payload: Self.bytes(size.columns) + Self.bytes(size.rows))
    }

    /// From the driver; nil when there are too few bytes.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize else { return nil }
        func half(_ i: Int) -> UInt16 { UInt16(bytes[i]) | UInt16(bytes[i + 1]) << 8 }
        port = UInt32(half(0)) | UInt32(half(2)) << 16
        event = half(4)
        value = half(6)
        payload = []
    }

    var bytes: [UInt8] {
        Self.bytes(UInt16(truncatingIfNeeded: port)) + Self.bytes(UInt16(truncatingIfNeeded: port >> 16)) + Self.bytes(event)
            + Self.bytes(value) + payload
    }

    private static func bytes(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }
}
