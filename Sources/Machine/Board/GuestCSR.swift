import CHost
import ExecutionEngine

/// CSRs that the engine leaves to user space.
enum GuestCSR {
    private static let seed: UInt16 = 0x015

    /// What a CSR holds before an access.
    static func read(_ access: CSRAccess) -> UInt64 {
        guard access.number == seed else { return 0 }
        var entropy: UInt16 = 0
        // OPST: 1 WAIT, 2 ES16 with 16 bits of entropy (unprivileged specification, "Entropy Source").
        return host_random(&entropy, 2) == 0 ? 2 << 30 | UInt64(entropy) : 1 << 30
    }
}
