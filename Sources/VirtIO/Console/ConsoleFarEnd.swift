/// A terminal's size in characters.
package struct ConsoleSize: Equatable, Sendable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}

/// The host's end of a console port. Any thread may call it, and none of its methods waits.
package protocol ConsoleFarEnd: AnyObject, Sendable {
    /// Takes as many of `bytes` as there is room for and returns how many; all of them when nobody listens. When
    /// it isn't all, `wake` is signalled once there is room.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int
    /// Fills `buffer` from its start with what has come for the guest and returns how many bytes that is. When
    /// it is 0, `wake` is signalled once there is something.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int
    /// Whether somebody is there, or something they sent is still to be read. `wake` is signalled when the
    /// former changes.
    var isConnected: Bool { get }
    /// Of the terminal, nil where there is none or nobody knows. `wake` is signalled when it changes.
    var size: ConsoleSize? { get }
    /// Whether the guest has the port open: only then will it read.
    func guestOpened(_ isOpen: Bool)
    /// `wake` is an eventfd, or negative for nobody.
    func attach(wake: Int32)
}

/// One port of a console device.
package struct ConsolePortSetup: Sendable {
    /// Whether the guest shall make a console of it, or a port for programs.
    package var isConsole: Bool
    /// How the guest's programs find it; nil for none.
    package var name: String?
    package var farEnd: any ConsoleFarEnd

    package init(isConsole: Bool, name: String? = nil, farEnd: any ConsoleFarEnd) {
        self.isConsole = isConsole
        self.name = name
        self.farEnd = farEnd
    }
}
