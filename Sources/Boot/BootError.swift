/// A file or text that the user named, and the option that named it.
package struct PayloadSource: Equatable, Sendable {
    /// As typed: `--kernel`.
    package let option: String
    /// As typed; nil when the option carries text and not a file.
    package let path: String?

    package init(option: String, path: String?) {
        self.option = option
        self.path = path
    }

    package static func kernel(_ path: String) -> PayloadSource { .init(option: "--kernel", path: path) }
    package static func firmware(_ path: String) -> PayloadSource { .init(option: "--firmware", path: path) }
    package static func initrd(_ path: String) -> PayloadSource { .init(option: "--initrd", path: path) }
    package static func deviceTree(_ path: String) -> PayloadSource { .init(option: "--dtb", path: path) }
    package static let commandLine = PayloadSource(option: "--append", path: nil)
    package static let memory = PayloadSource(option: "--mem", path: nil)

    /// `--kernel vmlinux`; control characters of the name are replaced, so that a message stays one line.
    var label: String {
        guard let path else { return option }
        if path.isEmpty { return "\(option) ''" }
        return "\(option) \(printable(path))"
    }
}

/// What a `BootError` means to whoever started the command (sysexits.h).
package enum BootErrorCategory: Int32, Sendable {
    /// The options don't go together: EX_USAGE.
    case usage = 64
    /// The file isn't what the option needs: EX_DATAERR.
    case badData = 65
    /// The file isn't there or can't be opened: EX_NOINPUT.
    case missing = 66
    /// The host refused memory or an operation: EX_OSERR.
    case host = 71
}

/// Why a payload can't be loaded. Nothing has been written to guest memory when one is thrown.
package enum BootError: Error, Equatable {
    case usage(PayloadSource, reason: String)
    case badData(PayloadSource, reason: String)
    case missing(PayloadSource, reason: String)
    case host(PayloadSource, reason: String)

    package var category: BootErrorCategory {
        switch self {
        case .usage: .usage
        case .badData: .badData
        case .missing: .missing
        case .host: .host
        }
    }

    /// The option and file at fault.
    package var source: PayloadSource {
        switch self {
        case .usage(let s, _), .badData(let s, _), .missing(let s, _), .host(let s, _): s
        }
    }

    /// One sentence without a final stop: what, why, and the way out.
    package var message: String {
        switch self {
        case .usage(let s, let r), .badData(let s, let r), .missing(let s, let r), .host(let s, let r):
            "\(s.label): \(r)"
        }
    }
}
