/// A setting with parts: `PATH,readonly,serial=S`, `user,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=…`.
///
/// What stands before the first comma is the head; each part behind it is a flag (`readonly`, also
/// `readonly=on` and `=off`) or a key with a value. A comma that belongs to a part is written twice, as for QEMU.
package struct KeyedOptions: Sendable {
    /// What a kind of setting may have behind its head.
    package struct Vocabulary: Sendable {
        package var flags: [String]
        /// Given at most once, with a value.
        package var keys: [String]
        /// Given any number of times, with a value each.
        package var repeated: [String]

        package init(flags: [String] = [], keys: [String] = [], repeated: [String] = []) {
            self.flags = flags
            self.keys = keys
            self.repeated = repeated
        }
    }

    /// The setting as it was written.
    package let setting: Setting
    /// May be empty: whoever needs it says what it should have been.
    package let head: String
    private var flags: [String: Bool] = [:]
    private var values: [String: [String]] = [:]

    /// Takes `setting` apart. An unknown part is an error that names the nearest known one; a key that is given
    /// twice, or without a value, is one as well.
    package init(_ setting: Setting, _ vocabulary: Vocabulary) throws(MachineError) {
        try self.init(setting, parts: Self.split(setting.text), vocabulary)
    }

    /// The same for parts that are split already: the first is the head.
    init(_ setting: Setting, parts: [String], _ vocabulary: Vocabulary) throws(MachineError) {
        self.setting = setting
        head = parts.first ?? ""
        for part in parts.dropFirst() { try take(part, vocabulary) }
    }

    /// Whether `flag` was given, and not as `flag=off`.
    package func has(_ flag: String) -> Bool { flags[flag] ?? false }

    /// The value of `key`, with an origin that names the key: to be parsed and refused like any setting.
    package func value(_ key: String) -> Setting? { all(key).last }

    /// The values of a repeated key, in order.
    package func all(_ key: String) -> [Setting] {
        (values[key] ?? []).map { Setting($0, origin: "\(setting.origin) \(quoted(setting.text)): \(key)") }
    }

    /// The error for the setting as a whole.
    package func refused(_ reason: String) -> MachineError { setting.refused(reason) }

    /// The head as the name of a file.
    package func path() throws(MachineError) -> String {
        if head.isEmpty { throw refused("needs the name of a file first") }
        return try GuestConfiguration.path(Setting(head, origin: setting.origin))
    }

    /// The parts between commas, doubled commas made single. At least one part.
    package static func split(_ text: String) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        var isComma = false
        for byte in text.utf8 {
            if isComma {
                isComma = false
                if byte == comma {
                    part.append(comma)
                    continue
                }
                parts.append(String(decoding: part, as: UTF8.self))
                part = []
            }
            if byte == comma { isComma = true } else { part.append(byte) }
        }
        parts.append(String(decoding: part, as: UTF8.self))
        if isComma { parts.append("") }
        return parts
    }

    /// `text` as one part: with its commas doubled.
    package static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            bytes.append(byte)
            if byte == comma { bytes.append(comma) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let comma: UInt8 = 0x2C
    private static let equals: UInt8 = 0x3D

    private mutating func take(_ part: String, _ vocabulary: Vocabulary) throws(MachineError) {
        if part.isEmpty { throw refused("there is nothing behind a comma; a comma inside a name is written twice") }
        let bytes = Array(part.utf8)
        var name = part
        var value: String?
        if let place = bytes.firstIndex(of: Self.equals) {
            name = String(decoding: bytes[..<place], as: UTF8.self)
            value = String(decoding: bytes[(place + 1)...], as: UTF8.self)
        }
        if vocabulary.flags.contains(name) {
            try takeFlag(name, value)
        } else if vocabulary.keys.contains(name) || vocabulary.repeated.contains(name) {
            guard let value, !value.isEmpty else { throw refused("\(name) needs a value: \(name)=…") }
            if values[name] != nil, !vocabulary.repeated.contains(name) { throw refused("\(name) is given twice") }
            values[name, default: []].append(value)
        } else {
            throw refused(Self.unknown(name, vocabulary))
        }
    }

    private mutating func takeFlag(_ name: String, _ value: String?) throws(MachineError) {
        guard flags[name] == nil else { throw refused("\(name) is given twice") }
        switch value {
        case nil, "on", "true", "yes": flags[name] = true
        case "off", "false", "no": flags[name] = false
        default: throw refused("\(name) is either on or off")
        }
    }

    private static func unknown(_ name: String, _ vocabulary: Vocabulary) -> String {
        var names = vocabulary.flags
        for key in vocabulary.keys + vocabulary.repeated { names.append("\(key)=…") }
        let bare = vocabulary.flags + vocabulary.keys + vocabulary.repeated
        if let near = nearestName(to: name, among: bare) { return "there is no option \(quoted(name)); did you mean \(near)?" }
        if names.isEmpty { return "\(quoted(name)) is too much: nothing can stand behind the comma" }
        var list = ""
        for one in names { list += (list.isEmpty ? "" : ", ") + one }
        return "there is no option \(quoted(name)); the options are \(list)"
    }
}
