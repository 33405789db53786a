import CHost

/// Standard input as a terminal: raw while the guest has it, as it was whenever it hasn't.
struct Terminal {
    private static let input: Int32 = 0

    let isTerminal = host_is_terminal(Self.input)

    /// Whether keys are ours: false while another job of the shell owns the terminal.
    var isInForeground: Bool { host_terminal_in_foreground(Self.input) }

    /// Takes the terminal, if it is one and is ours to take.
    func enter() { if isTerminal, isInForeground { _ = host_terminal_raw(Self.input) } }

    func leave() { host_terminal_restore() }
}
