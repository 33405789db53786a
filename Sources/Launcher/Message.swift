import CHost

/// What the command says itself, as opposed to the guest.
package enum Message {
    /// Put before messages when the guest has a name. Set before any thread starts.
    nonisolated(unsafe) package static var guest = ""

    /// To standard output, with a newline.
    package static func print(_ text: String) { put(1, text + "\n") }

    /// One line to standard error, whatever is in `text`.
    package static func error(_ text: String) { put(2, line(text) + "\n") }

    private static func line(_ text: String) -> String {
        func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }
        var text = text
        if text.utf8.contains(where: isControl) {
            text = String(decoding: text.utf8.map { isControl($0) ? 0x3F : $0 }, as: UTF8.self)
        }
        return guest.isEmpty ? "rvkvm: " + text : "rvkvm: \(guest): " + text
    }

    /// One line to standard error while the guest runs, when the terminal may be raw.
    static func notice(_ text: String) {
        put(2, line(text) + (host_is_terminal(2) ? "\r\n" : "\n"))
    }

    /// Lines to standard error while the terminal is raw.
    static func raw(_ lines: [String]) { put(2, "\r\n" + lines.map { $0 + "\r\n" }.joined()) }

    private static func put(_ descriptor: Int32, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count, let base = bytes.baseAddress {
                let n = host_write_patiently(descriptor, base + done, bytes.count - done)
                if n <= 0 { return }
                done += n
            }
        }
    }
}
