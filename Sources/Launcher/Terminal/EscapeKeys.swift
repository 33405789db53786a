/// Finds Ctrl-A and the key after it in what is typed; everything else is the guest's.
package struct EscapeKeys {
    package enum Action: Equatable {
        case send([UInt8])
        case quit
        case help
        case reset
    }

    private static let controlA: UInt8 = 0x01

    package static let help = [
        "Ctrl-A A  send Ctrl-A to the guest",
        "Ctrl-A H  list these keys",
        "Ctrl-A R  reset the guest",
        "Ctrl-A X  end the guest, and rvkvm",
    ]

    private var isEscaped = false

    package init() {}

    /// What `bytes` ask for, in order. A Ctrl-A at their end waits for its second key.
    package mutating func process(_ bytes: some Sequence<UInt8>) -> [Action] {
        var actions: [Action] = []
        var plain: [UInt8] = []
        for byte in bytes {
            guard isEscaped else {
                if byte == Self.controlA { isEscaped = true } else { plain.append(byte) }
                continue
            }
            isEscaped = false
            let action: Action
            switch byte {
            // Whoever keeps Ctrl pressed means the same.
            case 0x61, 0x41, Self.controlA:
                plain.append(Self.controlA)
                continue
            case 0x78, 0x58, 0x18: action = .quit
            case 0x72, 0x52, 0x12: action = .reset
            // H, ? and every key that means nothing.
            default: action = .help
            }
            if !plain.isEmpty { actions.append(.send(plain)) }
            plain = []
            actions.append(action)
        }
        if !plain.isEmpty { actions.append(.send(plain)) }
        return actions
    }
}
