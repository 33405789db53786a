/// What can be said about a guest: an option `--x` of the command and a key `x` of a guest file.
package enum SettingKey: CaseIterable, Hashable, Sendable {
    case kernel, firmware, initrd, append, smp, mem, dtb, dumpTree, engine, isa, cpu, name, noReboot, timeout, trace, signature, signatureGranularity

    package var name: String {
        switch self {
        case .kernel: "kernel"
        case .firmware: "firmware"
        case .initrd: "initrd"
        case .append: "append"
        case .smp: "smp"
        case .mem: "mem"
        case .dtb: "dtb"
        case .dumpTree: "dump-dtb"
        case .engine: "engine"
        case .isa: "isa"
        case .cpu: "cpu"
        case .name: "name"
        case .noReboot: "no-reboot"
        case .timeout: "timeout"
        case .trace: "trace"
        case .signature: "signature"
        case .signatureGranularity: "signature-granularity"
        }
    }

    /// A switch has no value beside yes and no.
    package var isSwitch: Bool { self == .noReboot }

    /// Whether `text` names a file; one in a guest file is looked up beside that file.
    package func isPath(_ text: String) -> Bool {
        switch self {
        case .firmware: text != "none"
        case .kernel, .initrd, .dtb, .dumpTree, .signature: true
        default: false
        }
    }

    /// The key of that name; an error names the nearest one. `origin` says where the name stands.
    package static func named(_ text: String, origin: String) throws(MachineError) -> SettingKey {
        for key in allCases where key.name == text { return key }
        let names = allCases.map { $0.name }
        guard let near = nearestName(to: text, among: names) else {
            var list = ""
            for name in names { list += (list.isEmpty ? "" : ", ") + name }
            throw MachineError(.usage, "\(origin): unknown key \(quoted(text)); the keys are \(list)")
        }
        throw MachineError(.usage, "\(origin): unknown key \(quoted(text)); did you mean \(near)?")
    }
}

/// One setting as it was written, and where: errors repeat both.
package struct Setting: Equatable, Sendable {
    package var text: String
    /// `--smp`, or `guest.yaml:3: smp`.
    package var origin: String

    package init(_ text: String, origin: String) {
        self.text = text
        self.origin = origin
    }

    func refused(_ reason: String) -> MachineError {
        MachineError(.usage, "\(origin) \(quoted(text)): \(reason)")
    }
}

/// Text from outside, fit for a one-line message: control characters out, the long shortened.
package func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    for b in text.utf8 {
        if bytes.count == 80 { break }
        bytes.append(b < 0x20 || b == 0x7F ? 0x3F : b)
    }
    let cut = text.utf8.count > bytes.count
    return "‘\(String(decoding: bytes, as: UTF8.self))\(cut ? "…" : "")’"
}
