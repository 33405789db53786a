/// What can be said about a guest: an option `--x` of the command and a key `x` of a guest file.
package enum SettingKey: CaseIterable, Hashable, Sendable {
    case kernel, firmware, initrd, append, smp, mem, hugePages, dtb, dumpTree, engine, irqchip, isa, cpu, name, noReboot, timeout, trace, signature, signatureGranularity
    case disk, net, console, share, flash, rng, balloon, exec, strict, moveTo

    package var name: String {
        switch self {
        case .kernel: "kernel"
        case .firmware: "firmware"
        case .initrd: "initrd"
        case .append: "append"
        case .smp: "smp"
        case .mem: "mem"
        case .hugePages: "hugepages"
        case .dtb: "dtb"
        case .dumpTree: "dump-dtb"
        case .engine: "engine"
        case .irqchip: "irqchip"
        case .isa: "isa"
        case .cpu: "cpu"
        case .name: "name"
        case .noReboot: "no-reboot"
        case .timeout: "timeout"
        case .trace: "trace"
        case .signature: "signature"
        case .signatureGranularity: "signature-granularity"
        case .disk: "disk"
        case .net: "net"
        case .console: "console"
        case .share: "share"
        case .flash: "flash"
        case .rng: "rng"
        case .balloon: "balloon"
        case .exec: "exec"
        case .strict: "strict"
        case .moveTo: "x-move-to"
        }
    }

    /// A switch has no value beside yes and no.
    package var isSwitch: Bool {
        switch self {
        case .noReboot, .rng, .balloon, .hugePages, .strict: true
        default: false
        }
    }

    /// Whether each further value adds to those before, and a guest file may have a list of them. Such a value
    /// has parts (see `KeyedOptions`).
    package var isRepeated: Bool {
        switch self {
        case .disk, .net, .console, .share, .flash: true
        default: false
        }
    }

    /// At how many bytes from the start of `text` the name of a file begins, nil when it names none: one in a
    /// guest file is looked up beside that file.
    package func pathStart(in text: String) -> Int? {
        switch self {
        case .kernel, .initrd, .dtb, .dumpTree, .signature, .share, .flash: return 0
        case .firmware: return text == "none" ? nil : 0
        // A URI of libnbd's names no file, or one of the host that serves it.
        case .disk: return Self.startsWith(text, ["nbd:", "nbds:", "nbd+unix:", "nbds+unix:", "nbd+vsock:", "nbds+vsock:"]) == nil ? 0 : nil
        case .net: return Self.startsWith(text, ["unix:"])
        case .console:
            return Self.startsWith(
                text, ["unix:", "file:", "virtio,unix:", "virtio,file:", "serial,unix:", "serial,file:"])
        default: return nil
        }
    }

    /// The length of the prefix that `text` has.
    private static func startsWith(_ text: String, _ prefixes: [String]) -> Int? {
        for prefix in prefixes where text.utf8.starts(with: prefix.utf8) { return prefix.utf8.count }
        return nil
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

    /// How messages name it.
    package var label: String { "\(origin) \(quoted(text))" }

    func refused(_ reason: String) -> MachineError {
        MachineError(.usage, "\(label): \(reason)")
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
