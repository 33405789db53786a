import ExecutionEngine

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

func text(_ id: RegisterID) -> String { "register " + hex(id.rawValue) }

func text(_ exit: Exit) -> String {
    switch exit {
    case .mmioRead(let address, let width): return "mmioRead(" + hex(address) + ", \(width))"
    case .mmioWrite(let address, let width, let value): return "mmioWrite(" + hex(address) + ", \(width), " + hex(value) + ")"
    case .sbi(let call): return "sbi(" + hex(call.extensionID) + ", " + hex(call.functionID) + ", a0 " + hex(call.a0) + ", a1 " + hex(call.a1) + ")"
    case .systemEvent(.shutdown(let reason)): return "shutdown(\(reason))"
    case .systemEvent(.reset(let reason)): return "reset(\(reason))"
    case .watchedStore(let address): return "watchedStore(" + hex(address) + ")"
    case .interrupted: return "interrupted"
    case .debug(let pc): return "debug(" + hex(pc) + ")"
    case .csr(let access): return "csr(" + hex(UInt64(access.number)) + ")"
    case .dirtyRingFull: return "dirtyRingFull"
    case .entryRefused(let reason): return "entryRefused(" + hex(reason) + ")"
    case .internalError(let reason): return "internalError(" + reason.text + ")"
    }
}

func text(_ error: EngineError) -> String {
    switch error {
    case .unsupported(let text): "unsupported: " + text
    case .extensions(let mismatch): "extensions: " + mismatch.text
    case .invalid(let text): "invalid: " + text
    case .missing(let text): "missing: " + text
    case .busy(let text): "busy: " + text
    case .host(let text, let errno): "host: " + text + " (errno \(errno))"
    }
}

extension ExtensionMismatch {
    var text: String {
        var text = engine
        for one in missing { text += " lacks " + one }
        for one in unhideable { text += " can't hide " + one }
        return text
    }
}

/// Which of EngineError's cases.
enum Refusal { case unsupported, invalid, missing, busy, host }

extension EngineError {
    var refusal: Refusal {
        switch self {
        case .unsupported, .extensions: .unsupported
        case .invalid: .invalid
        case .missing: .missing
        case .busy: .busy
        case .host: .host
        }
    }
}

func named(_ refusal: Refusal?) -> String {
    switch refusal {
    case .unsupported: "unsupported"
    case .invalid: "invalid"
    case .missing: "missing"
    case .busy: "busy"
    case .host: "a host's error"
    case nil: "accepted"
    }
}
