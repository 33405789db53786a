import ExecutionEngine
import RISCV

extension MachineError {
    /// What an engine says about a guest, in words of how its user chose it.
    init(_ error: EngineError, _ configuration: GuestConfiguration = GuestConfiguration()) {
        switch error {
        case .unsupported(let text): self.init(.usage, text)
        case .extensions(let mismatch): self.init(.usage, mismatch.sentence(configuration))
        case .invalid(let text), .missing(let text), .busy(let text): self.init(.bug, text)
        case .host(let text, let errno): self.init(.host, "\(text): \(Self.hostText(errno))")
        }
    }
}

extension ExtensionMismatch {
    /// "KVM here can't hide extension Zbb, which cpu model rv64gc@1.0 lacks; choose …".
    fileprivate func sentence(_ configuration: GuestConfiguration) -> String {
        let chosen = configuration.processorText
        var text = engine
        if !missing.isEmpty { text += " can't give a guest \(Self.list(missing)), which \(chosen) has" }
        if !missing.isEmpty && !unhideable.isEmpty { text += ", and" }
        if !unhideable.isEmpty {
            text += " can't hide \(Self.list(unhideable)), which \(missing.isEmpty ? chosen : "it") lacks"
        }
        return text + "; " + wayOut(configuration)
    }

    /// The `--isa` that makes the guest fit, if there is one, and the engine that any guest fits.
    private func wayOut(_ configuration: GuestConfiguration) -> String {
        let base = configuration.extensionsWithoutChange
        guard let fitting = fitted(configuration.extensions) else { return Self.noChange }
        let change = ISAChange.text(from: base, to: fitting)
        // What an extension needs comes along.
        let result = change.isEmpty ? base : try? ISAChange.apply(Setting(change, origin: "--isa"), to: base)
        guard let result, fitted(result) == result, (try? configuration.interrupts.check(result, configuration.startMode)) != nil
        else { return Self.noChange }
        return change.isEmpty ? "leave --isa out, or choose --engine interpreter" : "choose --isa=\(change) or --engine interpreter"
    }

    private static let noChange = "no --isa makes a guest fit, so choose --engine interpreter"

    /// `extensions` without what is missing and with what can't be hidden; nil when rvkvm doesn't know all of them.
    private func fitted(_ extensions: Extensions) -> Extensions? {
        var result = extensions
        for name in missing {
            guard let one = Extension.parse(name) else { return nil }
            result.remove(one)
        }
        for name in unhideable {
            guard let one = Extension.parse(name) else { return nil }
            result.insert(one)
        }
        return result
    }

    /// Names as the specifications write them.
    private static func list(_ names: [String]) -> String {
        var text = names.count == 1 ? "extension" : "extensions"
        for (index, name) in names.enumerated() {
            var bytes = Array(name.utf8)
            if let first = bytes.first, first >= 0x61, first <= 0x7A { bytes[0] = first & ~0x20 }
            text += (index == 0 ? " " : ", ") + String(decoding: bytes, as: UTF8.self)
        }
        return text
    }
}

extension GuestConfiguration {
    /// How messages name what was chosen with `--cpu`, `--irqchip` and `--isa`.
    fileprivate var processorText: String {
        let change = ISAChange.text(from: extensionsWithoutChange, to: extensions)
        var text = "cpu model \(model.name)@\(model.version)"
        if interrupts != .plic { text += " with --irqchip \(interrupts == .aia ? "aia" : "aplic")" }
        if !change.isEmpty { text += (interrupts == .plic ? " with" : " and") + " --isa=\(change)" }
        return text
    }
}
