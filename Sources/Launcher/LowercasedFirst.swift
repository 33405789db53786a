extension String {
    /// For the host's words inside a sentence.
    package var lowercasedFirst: String {
        var bytes = Array(utf8)
        if let first = bytes.first, first >= 0x41, first <= 0x5A { bytes[0] = first | 0x20 }
        return String(decoding: bytes, as: UTF8.self)
    }
}
