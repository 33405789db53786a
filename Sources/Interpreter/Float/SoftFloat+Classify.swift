extension SoftFloat {
    @inline(never) package static func classify32(_ a: UInt64) -> UInt64 { classify(a, .binary32) }
    @inline(never) package static func classify64(_ a: UInt64) -> UInt64 { classify(a, .binary64) }

    /// fclass: one bit of ten (unprivileged spec, 20.9). From -infinity at 0 over the zeros at 3 and 4 to
    /// +infinity at 7; NaNs at 8 and 9.
    @inline(__always) static func classify(_ a: UInt64, _ f: FloatFormat) -> UInt64 {
        if f.isNaN(a) { return f.isSignalingNaN(a) ? 1 &<< 8 : 1 &<< 9 }
        let magnitude = a & f.magnitudeMask
        let size: UInt64 =
            if magnitude == 0 { 0 }
            else if magnitude < f.hiddenBit { 1 }
            else if magnitude < f.infinity { 2 }
            else { 3 }
        return f.sign(a) != 0 ? 1 &<< (3 &- size) : 1 &<< (4 &+ size)
    }
}
