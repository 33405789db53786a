/// What a block builder and an exit path ask of an instruction before it runs.
public struct InstructionFlags: OptionSet, Sendable {
    public let rawValue: UInt8

    @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// May raise an exception of its own; fetching it aside.
    public static var mayTrap: Self { Self(rawValue: 1 << 0) }
    /// Control goes elsewhere afterwards, or what a block was built on may have changed.
    public static var endsBlock: Self { Self(rawValue: 1 << 1) }
    public static var isLoad: Self { Self(rawValue: 1 << 2) }
    public static var isStore: Self { Self(rawValue: 1 << 3) }
    /// Needs `mstatus.FS` to be on.
    public static var isFP: Self { Self(rawValue: 1 << 4) }
    /// Jump or conditional branch.
    public static var isBranch: Self { Self(rawValue: 1 << 5) }
    public static var isAtomic: Self { Self(rawValue: 1 << 6) }
    /// Of opcode SYSTEM, and dependent on the privilege mode.
    public static var isSystem: Self { Self(rawValue: 1 << 7) }
}
