import CHost

/// Standard input as a terminal: raw while the guest has it, as it was whenever it hasn't.
struct Terminal {
    private static let input: Int32 = 0
    private static let output: Int32 = 1

    let isTerminal = host_is_terminal(Self.input)

    /// Whether keys are ours: false while another job of the shell owns the terminal.
    var isInForeground: Bool { host_terminal_in_foreground(Self.input) }

    /// In characters; nil when there is no terminal, neither for input nor for output, or it doesn't say.
    var size: (columns: UInt16, rows: UInt16)? {
        var columns: UInt16 = 0
        var rows: UInt16 = 0
        for descriptor in [Self.input, Self.output] {
            if host_terminal_size(descriptor, &columns, &rows) == 0, columns > 0, rows > 0 { return (columns, rows) }
        }
        return nil
    }

    /// Takes the terminal, if it is one and is ours to take.
    func enter() { if isTerminal, isInForeground { _ = host_terminal_raw(Self.input) } }

    func leave() { host_terminal_restore() }
}
