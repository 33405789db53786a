/// How a machine came to its end.
package enum Outcome: Equatable, Sendable {
    /// The guest powered off.
    case poweredOff
    /// The guest asked for a reset and `--no-reboot` was given.
    case resetRefused
    /// The guest reported failure, with the exit status that follows from its code.
    case guestFailed(status: Int32)
    /// `--timeout` ran out.
    case timedOut
    /// Somebody outside ended it: a key, a signal, a closed console.
    case stopped(status: Int32)
    /// The machine can't go on.
    case failed(MachineError)

    package static let timeoutStatus: Int32 = 124

    /// The command's exit status.
    package var status: Int32 {
        switch self {
        case .poweredOff, .resetRefused: 0
        case .guestFailed(let status), .stopped(let status): status
        case .timedOut: Self.timeoutStatus
        case .failed(let error): error.kind.status
        }
    }

    /// A guest's failure code as a status: the host keeps eight bits of it, and failure must not look like
    /// success.
    static func failure(code: UInt16) -> Outcome {
        let low = Int32(code & 0xFF)
        return .guestFailed(status: low == 0 ? 1 : low)
    }
}
