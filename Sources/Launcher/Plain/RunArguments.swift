import Machine

/// A `run` command line as `SettingKey` describes it, for a build without swift-argument-parser: the same lines
/// mean the same to both.
package enum RunArguments: Equatable {
    case settings(Settings)
    case help
    case version

    /// Takes the words behind `run` apart: `--key value`, `--key=value`, and `--key` of a switch.
    package static func parse(_ arguments: [String]) throws(MachineError) -> RunArguments {
        var settings = Settings()
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": return .help
            case "--version": return .version
            case "--":
                // What follows is no option any more, and there are no other arguments.
                guard let word = rest.first else { return .settings(settings) }
                throw mistake("\(quoted(word)) is no option")
            default: break
            }
            guard word.utf8.starts(with: "--".utf8), word.utf8.count > 2 else {
                throw mistake("\(quoted(word)) is no option")
            }
            let (name, attached) = split(word.utf8.dropFirst(2))
            let key = try key(named: name)
            if key.isSwitch {
                // swift-argument-parser lets an empty one pass.
                guard attached == nil || attached == "" else { throw mistake("--\(name) takes no value") }
                put(Setting("true", origin: "--\(name)"), key, &settings)
            } else {
                guard let value = attached ?? next(&rest, key), attached != "" else { throw mistake("--\(name) needs a value") }
                put(Setting(value, origin: "--\(name)"), key, &settings)
            }
        }
        return .settings(settings)
    }

    /// Adds to a list, or takes the place of what was said before.
    private static func put(_ setting: Setting, _ key: SettingKey, _ settings: inout Settings) {
        if key.isRepeated { return settings.add(setting, to: key) }
        settings.override(with: [key: setting])
    }

    /// What a mistake on the command line is reported as.
    static func mistake(_ sentence: String) -> MachineError {
        MachineError(.usage, sentence + " (rvkvm --help lists what there is)")
    }

    private static func key(named name: String) throws(MachineError) -> SettingKey {
        for key in SettingKey.allCases where key.name == name { return key }
        if name == "config" {
            throw MachineError(.usage, "--config: this build reads no guest files; give their keys as options")
        }
        let near = nearestName(to: name, among: SettingKey.allCases.map { $0.name })
        throw mistake("there is no option \(quoted("--" + name))" + (near.map { "; did you mean --\($0)?" } ?? ""))
    }

    private static func split(_ word: Substring.UTF8View) -> (name: String, value: String?) {
        let bytes = Array(word)
        guard let place = bytes.firstIndex(of: 0x3D) else { return (String(decoding: bytes, as: UTF8.self), nil) }
        return (String(decoding: bytes[..<place], as: UTF8.self), String(decoding: bytes[(place + 1)...], as: UTF8.self))
    }

    /// The word behind an option, unless it looks like the next option.
    private static func next(_ rest: inout ArraySlice<String>, _ key: SettingKey) -> String? {
        guard let word = rest.first else { return nil }
        let isOption = word.utf8.first == 0x2D && word.utf8.count > 1
        if isOption && !key.takesDashes { return nil }
        rest.removeFirst()
        return word
    }
}
