/// Carries out one operation and goes on to the next in tail position, so that a block runs without a
/// return and all four arguments stay in registers.
///
/// - h: the hart's state (`HartState`)
/// - op: this operation
/// - tlb: the soft TLB of the current regime, load table first (`TLBLayout`)
/// - n: instructions retired before this block
///
/// The result is a `Stop`: why control left the blocks.
typealias Handler =
    @convention(c) (
        _ h: UnsafeMutableRawPointer, _ op: UnsafeRawPointer, _ tlb: UnsafeMutableRawPointer, _ n: Int
    ) -> Int

// Short names for what every handler takes.
typealias H = UnsafeMutableRawPointer
typealias O = UnsafeRawPointer

/// Why control came back from the blocks to `Hart.run`. Plain integers: they cross `@convention(c)`.
enum Stop {
    /// `pc` is up to date; look its block up.
    static let dispatch = 0
    /// `pc` is the trapping instruction; `trapCause` and `trapValue` are set.
    static let trap = 1
    /// `exit` describes what user space must do.
    static let exit = 2
    /// Debug builds only: the next operation waits in `debugOp`.
    static let step = 3
}

/// Goes on with the operation `slots` further on.
@inline(__always)
func next(
    _ h: UnsafeMutableRawPointer, _ op: UnsafeRawPointer, _ tlb: UnsafeMutableRawPointer, _ n: Int, slots: Int = 1
) -> Int {
    jump(h, op + slots &* OpLayout.size, tlb, n)
}

/// Goes on with the operation at `op`.
@inline(__always)
func jump(_ h: UnsafeMutableRawPointer, _ op: UnsafeRawPointer, _ tlb: UnsafeMutableRawPointer, _ n: Int) -> Int {
    #if DEBUG
    // Without optimisation a tail call is a call, and a long block would overflow the stack.
    h.hart.pointee.debugOp = op
    h.hart.pointee.debugTLB = tlb
    h.hart.pointee.debugRetired = n
    return Stop.step
    #else
    return op.load(as: Handler.self)(h, op, tlb, n)
    #endif
}
