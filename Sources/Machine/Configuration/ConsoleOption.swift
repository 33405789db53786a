/// `--console [serial|virtio][,WHERE][,name=NAME]`: one of the guest's consoles, and where its other end is.
package struct ConsoleOption: Equatable, Sendable {
    package enum Device: Equatable, Sendable {
        /// The 16550A UART, which every machine has: ttyS0.
        case serial
        /// A port of the virtio console: hvc0, hvc1, …
        case virtio
    }

    package enum Place: Equatable, Sendable {
        /// The terminal, or whatever standard input and output are.
        case stdio
        /// A pseudo-terminal of its own.
        case pty
        /// Output only.
        case file(String)
        /// A socket that listens; one peer at a time.
        case unix(String)
    }

    /// As it was written: what errors of the other end repeat.
    package var setting: Setting
    package var device: Device
    package var place: Place
    /// A port for programs, /dev/virtio-ports/NAME, instead of a console.
    package var name: String?

    /// The device is virtio and the place stdio unless the setting says otherwise.
    package init(_ setting: Setting) throws(MachineError) {
        var parts = KeyedOptions.split(setting.text)
        let first = parts.first ?? ""
        self.setting = setting
        device = first == "serial" ? .serial : .virtio
        if first == "serial" || first == "virtio" {
            if parts.count > 1, let place = try Self.place(parts[1], setting) {
                self.place = place
                parts.remove(at: 1)
            } else {
                place = .stdio
            }
        } else if let place = try Self.place(first, setting) {
            self.place = place
        } else {
            throw setting.refused(
                "a console is serial or virtio, and ends at stdio, pty, file:PATH or unix:PATH"
                    + didYouMean(first, among: ["serial", "virtio", "stdio", "pty"]))
        }
        let options = try KeyedOptions(setting, parts: parts, .init(keys: ["name"]))
        if let name = options.value("name") {
            guard device == .virtio else { throw setting.refused("a serial port has no name; a port of the virtio console has one") }
            guard place != .stdio else {
                throw setting.refused("standard input and output are for a console; a port with a name ends at pty, file:PATH or unix:PATH")
            }
            self.name = try Self.name(name)
        }
    }

    /// nil when `text` names no place.
    private static func place(_ text: String, _ setting: Setting) throws(MachineError) -> Place? {
        switch text {
        case "stdio": return .stdio
        case "pty": return .pty
        default: break
        }
        for prefix in ["file:", "unix:"] where text.utf8.starts(with: prefix.utf8) {
            let path = try GuestConfiguration.path(
                Setting(String(decoding: text.utf8.dropFirst(5), as: UTF8.self), origin: setting.origin))
            return prefix == "file:" ? .file(path) : .unix(path)
        }
        return nil
    }

    /// What can be a file's name under /dev/virtio-ports.
    private static func name(_ s: Setting) throws(MachineError) -> String {
        let isFine = s.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }
        guard isFine, (1...64).contains(s.text.utf8.count), s.text != ".", s.text != ".." else {
            throw s.refused("a port's name has 1 to 64 printable ASCII characters and no blank or slash")
        }
        return s.text
    }
}

extension GuestConfiguration {
    /// The argument with which Linux takes the console at standard input and output for its own.
    package var console: String {
        consoles.contains { $0.device == .virtio && $0.place == .stdio } ? "console=hvc0" : "console=ttyS0"
    }
}

extension ConsoleOption {
    /// The consoles of a guest; without any the UART is the terminal's.
    static func parse(_ settings: [Setting]) throws(MachineError) -> [ConsoleOption] {
        var result: [ConsoleOption] = []
        for setting in settings {
            let new = try ConsoleOption(setting)
            for old in result {
                if new.device == .serial, old.device == .serial {
                    throw setting.refused("there is one serial port, and \(quoted(old.setting.text)) has it; give one of them")
                }
                if new.place == .stdio, old.place == .stdio {
                    throw setting.refused(
                        "standard input and output are \(quoted(old.setting.text))'s already; choose pty, file:PATH or unix:PATH for one of them")
                }
                if let name = new.name, old.name == name { throw setting.refused("there is a port named \(quoted(name)) already") }
                if new.place == old.place, new.place != .pty {
                    throw setting.refused("ends where \(quoted(old.setting.text)) does; each console needs a place of its own")
                }
            }
            result.append(new)
        }
        return result
    }
}
