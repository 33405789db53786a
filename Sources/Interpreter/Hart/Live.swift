/// The word that every link between blocks is compared with: while it stands still, links may be followed
/// without a look at page tables, interrupts or kicks.
///
///   31     a kick: another thread wants the hart to look up
///   30..4  epoch: changes whenever the meaning of a fetch address may have changed
///   3      floating point is off (mstatus.FS = 0)
///   2..0   regime: U 0, S 1, M 3, VU 4, VS 5
///
/// Other threads only ever set the kick; everything else is the hart's own.
enum Live {
    static let kick: UInt32 = 1 << 31
    static let floatingPointOff: UInt32 = 1 << 3
    static let regimeMask: UInt32 = 7
    static let virtual: UInt32 = 4
    static let epochShift: UInt32 = 4
    static let epochLimit: UInt32 = 1 << 27
    /// A value that no hart's word takes: regime 7 doesn't exist.
    static let never: UInt32 = 7

    /// What a block depends on besides its address and bytes.
    @inline(__always)
    static func variant(_ live: UInt32) -> UInt32 { live & floatingPointOff }
}
