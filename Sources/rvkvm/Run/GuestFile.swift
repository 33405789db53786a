import CHost
import Launcher
import Machine
import Yams

/// The guest file: YAML, one mapping, its keys named like the options of `rvkvm run`.
package enum GuestFile {
    private static let limit: UInt64 = 64 << 10

    package static func read(_ path: String) throws(MachineError) -> Settings {
        try parse(try text(path), path: path)
    }

    /// `path` names the file in errors, and its directory is where relative file names start.
    package static func parse(_ text: String, path: String) throws(MachineError) -> Settings {
        let file = fileName(path)
        guard !Nesting.isDeep(text) else { throw MachineError(.data, "\(file): is nested too deeply for a guest file") }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw syntaxError(error, file)
        }
        guard let node, !isNull(node) else { return Settings() }
        guard case .mapping(let mapping) = node else {
            throw MachineError(.usage, "\(place(file, node)) a guest file is a list of ‘key: value’ lines")
        }
        var settings = Settings()
        for (key, value) in mapping {
            guard let name = key.scalar?.string else { throw MachineError(.usage, "\(place(file, key)) a key is a word, nothing composed") }
            let known = try SettingKey.named(name, origin: trimmed(place(file, key)))
            guard case .sequence(let list) = value, known.isRepeated else {
                settings.add(try scalar(value, known, "\(place(file, key)) \(known.name)", path), to: known)
                continue
            }
            for item in list { settings.add(try scalar(item, known, "\(place(file, item)) \(known.name)", path), to: known) }
        }
        return settings
    }

    private static func scalar(_ value: Node, _ key: SettingKey, _ origin: String, _ path: String) throws(MachineError) -> Setting {
        let found: String
        switch value {
        case .scalar(let scalar) where isNull(value) && scalar.style != .singleQuoted && scalar.style != .doubleQuoted:
            found = "nothing"
        case .scalar(let scalar):
            return Setting(beside(path, scalar.string, key), origin: origin)
        case .sequence: found = "a list"
        case .mapping: found = "a mapping"
        case .alias: found = "an alias"
        }
        throw MachineError(.usage, "\(origin): takes \(Self.kind(of: key)), not \(found)")
    }

    private static func kind(of key: SettingKey) -> String {
        if key.isSwitch { return "true or false" }
        return key.isRepeated ? "a value or a list of values" : "one value"
    }

    private static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string) && scalar.style == .plain
    }

    /// A relative name in a guest file counts from that file, so that the two can move together.
    private static func beside(_ path: String, _ text: String, _ key: SettingKey) -> String {
        guard let start = key.pathStart(in: text), let slash = path.lastIndex(of: "/") else { return text }
        let name = text.utf8.dropFirst(start)
        guard let first = name.first, first != UInt8(ascii: "/") else { return text }
        let directory = String(path[...slash])
        return String(decoding: text.utf8.prefix(start), as: UTF8.self)
            + (key.isRepeated ? KeyedOptions.escaped(directory) : directory) + String(decoding: name, as: UTF8.self)
    }

    /// `guest.yaml:3:`
    private static func place(_ file: String, _ node: Node) -> String {
        node.mark.map { "\(file):\($0.line):" } ?? "\(file):"
    }

    private static func trimmed(_ place: String) -> String { String(place.dropLast()) }

    private static func fileName(_ path: String) -> String { path.split(separator: "/").last.map { String($0) } ?? path }

    private static func syntaxError(_ error: any Error, _ file: String) -> MachineError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return MachineError(.data, "\(file):\(mark.line): is no YAML: \(problem.split(whereSeparator: \.isNewline).joined(separator: " "))")
        case .duplicatedKeysInMapping(let duplicates, _):
            let keys = duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
            return MachineError(.usage, "\(file): has a key twice: \(quoted(keys))")
        default:
            return MachineError(.data, "\(file): is no YAML")
        }
    }

    private static func text(_ path: String) throws(MachineError) -> String {
        let label = "--config \(quoted(path))"
        guard !path.isEmpty, !path.utf8.contains(0) else { throw MachineError(.usage, "\(label): needs the name of a file") }
        let descriptor = host_open_read(path)
        guard descriptor >= 0 else {
            throw MachineError(.missingFile, "\(label): \(String(cString: host_error_text(-descriptor)).lowercasedFirst); check the path")
        }
        defer { host_close(descriptor) }
        var size: UInt64 = 0
        switch host_file_kind(descriptor, &size) {
        case 1: break
        case 2: throw MachineError(.data, "\(label): is a directory; a guest file is a YAML file")
        default: throw MachineError(.data, "\(label): is no regular file; a guest file is a YAML file")
        }
        guard size <= limit else { throw MachineError(.data, "\(label): has \(size) bytes; a guest file has at most \(limit)") }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { host_pread(descriptor, $0, buffer.count, 0) } ?? 0
        }
        guard count >= 0 else {
            throw MachineError(.host, "\(label): can't be read: \(String(cString: host_error_text(Int32(truncatingIfNeeded: -count))))")
        }
        guard let text = String(validating: bytes.prefix(count), as: UTF8.self), !text.utf8.contains(0) else {
            throw MachineError(.data, "\(label): is no text; a guest file is a YAML file in UTF-8")
        }
        return text
    }
}
