/// What a block builder and an exit path ask of an instruction before it runs.
package struct InstructionFlags: OptionSet, Sendable {
    package let rawValue: UInt8

    @inline(__always)
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// May raise an exception of its own; fetching it aside.
    package static var mayTrap: Self { Self(rawValue: 1 << 0) }
    /// Control goes elsewhere afterwards, or what a block was built on may have changed.
    package static var endsBlock: Self { Self(rawValue: 1 << 1) }
    package static var isLoad: Self { Self(rawValue: 1 << 2) }
    package static var isStore: Self { Self(rawValue: 1 << 3) }
    /// Needs `mstatus.FS` to be on.
    package static var isFP: Self { Self(rawValue: 1 << 4) }
    /// Jump or conditional branch.
    package static var isBranch: Self { Self(rawValue: 1 << 5) }
    package static var isAtomic: Self { Self(rawValue: 1 << 6) }
    /// Of opcode SYSTEM, and dependent on the privilege mode.
    package static var isSystem: Self { Self(rawValue: 1 << 7) }
}
