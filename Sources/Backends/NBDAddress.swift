/// Where an NBD server is: what `--disk` was given.
package enum NBDAddress: Equatable {
    /// A URI for libnbd (the NBD project's uri.md).
    case uri(String)
    case unix(path: String, export: String)
    case tcp(host: String, port: String, export: String)

    /// `nbd:unix:PATH`, `nbd:HOST:PORT`, both with `:exportname=NAME` behind, as QEMU has them, or a URI.
    /// Nil when it is none of these.
    package init?(_ text: String) {
        let short = "nbd:"
        guard text.hasPrefix(short), !text.hasPrefix("nbd://") else {
            self = .uri(text)
            return
        }
        var rest = text.dropFirst(short.count)
        var export = ""
        let mark = ":exportname="
        if let place = rest.range(of: mark) {
            export = String(rest[place.upperBound...])
            rest = rest[..<place.lowerBound]
        }
        if rest.hasPrefix("unix:") {
            let path = rest.dropFirst("unix:".count)
            guard !path.isEmpty else { return nil }
            self = .unix(path: String(path), export: export)
            return
        }
        guard let colon = rest.lastIndex(of: ":") else { return nil }
        var host = rest[..<colon]
        let port = rest[rest.index(after: colon)...]
        // An IPv6 address stands in brackets.
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !port.isEmpty, port.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        self = .tcp(host: String(host), port: String(port), export: export)
    }
}

extension Substring {
    /// The first place of `text`.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
