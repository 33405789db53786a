import RISCV

/// What the Advanced Interrupt Architecture adds to a hart's state, the interrupt files aside. All of it is the
/// hart's own. Names are those of the CSRs.
struct InterruptArchitecture {
    var miselect: UInt64 = 0
    var siselect: UInt64 = 0
    var vsiselect: UInt64 = 0

    var mvien: UInt64 = 0
    /// Bits 13 to 63; 1 and 9 while mvien has them, and else mip's.
    var mvip: UInt64 = 0
    /// Bits of sie that aren't mie's: those of virtual interrupts.
    var sie: UInt64 = 0

    var hvien: UInt64 = 0
    /// Bits 13 to 63 of hvip; the others are in `HartSignals`.
    var hvip: UInt64 = 0
    /// Bits of vsie that are neither sie's nor hie's.
    var vsie: UInt64 = 0
    var hvictl: UInt64 = 0
    var hviprio1: UInt64 = 0
    var hviprio2: UInt64 = 0
    var hgeie: UInt64 = 0

    /// The iprio arrays of M-mode and S-mode.
    var machinePriorities = InterruptPriorities()
    var supervisorPriorities = InterruptPriorities()

    // What the interrupt files signal, as the hart last saw it: by file number, M-mode's apart.
    var fileSignals: UInt64 = 0
    var machineSignal = false
    /// What that makes of bits 9 to 12 of mip.
    var fileLevels: UInt64 = 0
}

/// An iprio array: a byte for each of the interrupts 0 to 63 (AIA 1.0, "Configuring priorities of major interrupts at
/// machine level").
struct InterruptPriorities {
    /// iprio0, iprio2, ... iprio14, as RV64 has them.
    var words: InlineArray<8, UInt64> = .init(repeating: 0)

    subscript(_ number: UInt64) -> UInt64 {
        words[Int(truncatingIfNeeded: number &>> 3 & 7)] &>> (number & 7 &* 8) & 0xFF
    }

    mutating func set(_ number: UInt64, _ priority: UInt64) {
        let shift = number & 7 &* 8
        let k = Int(truncatingIfNeeded: number &>> 3 & 7)
        words[k] = words[k] & ~(0xFF &<< shift) | (priority & 0xFF) &<< shift
    }

    /// The register that an `*iselect` chooses, nil when it is none of these, of which RV64 has the even ones. The bytes of
    /// interrupts not in `settable` are read-only zeros.
    func read(_ select: UInt64, _ settable: UInt64) -> UInt64? {
        guard let k = Self.index(select) else { return nil }
        return words[k] & Self.bytes(k, settable)
    }

    /// False when it is none of these.
    mutating func write(_ select: UInt64, _ settable: UInt64, _ value: UInt64) -> Bool {
        guard let k = Self.index(select) else { return false }
        let mask = Self.bytes(k, settable)
        words[k] = words[k] & ~mask | value & mask
        return true
    }

    static func hasRegister(_ select: UInt64) -> Bool { index(select) != nil }

    private static func index(_ select: UInt64) -> Int? {
        guard select >= 0x30, select <= 0x3F, select & 1 == 0 else { return nil }
        return Int(truncatingIfNeeded: (select &- 0x30) &>> 1)
    }

    private static func bytes(_ k: Int, _ settable: UInt64) -> UInt64 {
        var mask: UInt64 = 0
        let interrupts = settable &>> UInt64(truncatingIfNeeded: k &* 8)
        for i: UInt64 in 0..<8 where interrupts &>> i & 1 != 0 { mask |= 0xFF &<< (i &* 8) }
        return mask
    }
}

/// Fields of hvictl (AIA 1.0, "Virtual interrupts for VS level").
enum VirtualInterruptControl {
    static let VTI: UInt64 = 1 << 30
    /// Twelve bits, all of them there.
    static let IID: UInt64 = 0xFFF << 16
    static let DPR: UInt64 = 1 << 9
    static let IPRIOM: UInt64 = 1 << 8
    static let IPRIO: UInt64 = 0xFF
    static let all = VTI | IID | DPR | IPRIOM | IPRIO

    static func identity(_ value: UInt64) -> UInt64 { (value & IID) &>> 16 }
    /// The value stands for a major interrupt of its own.
    static func injects(_ value: UInt64) -> Bool { value & VTI != 0 && identity(value) != 9 }
}

extension InterruptSet {
    static let supervisorGuestExternal: UInt64 = 1 << 12
    /// The interrupts that can be virtual: local ones and those nobody has defined.
    static let upper: UInt64 = ~0x1FFF

    // Bits of `HartState.pending` that are no interrupts. They are set in `HartState.mie` for good where there is an
    // AIA, so that one test finds all reasons for a closer look.
    /// A post has changed an interrupt file: other threads set it, the hart clears it.
    static let filesChanged: UInt64 = 1 << 58
    /// An interrupt may be pending that has no bit of its own here: an interrupt file's or a virtual one. The hart's own.
    static let elsewhere: UInt64 = 1 << 59
    static let closerLook = filesChanged | elsewhere
}
