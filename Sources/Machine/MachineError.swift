import CHost

/// Why a machine can't be made or go on: one sentence, and whose fault it is.
///
/// The sentence names the thing, the reason and the way out; it ends without a full stop and never has a
/// line break.
package struct MachineError: Error, Equatable {
    /// Whose fault it is; decides the exit status (sysexits.h's numbers).
    package enum Kind: Equatable, Sendable {
        /// The command line or the guest file asks for what can't be.
        case usage
        /// A file holds what it shouldn't.
        case data
        /// A file isn't there or can't be read.
        case missingFile
        /// A mistake of ours.
        case bug
        /// The host says no: memory, threads, devices.
        case host

        package var status: Int32 {
            switch self {
            case .usage: 64
            case .data: 65
            case .missingFile: 66
            case .bug: 70
            case .host: 71
            }
        }
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The host's own words for an `errno`.
    static func hostText(_ error: Int32) -> String { String(cString: host_error_text(error)) }
}
