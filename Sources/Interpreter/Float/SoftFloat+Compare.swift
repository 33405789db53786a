extension SoftFloat {
    // Comparisons, `bits` 0 or 1. feq, fltq and fleq are quiet: NV for a signalling NaN only. flt and fle
    // signal: NV for any NaN (unprivileged spec, 20.8; Zfa; IEEE 754-2019, 5.11).
    @inline(never) package static func equal32(_ a: UInt64, _ b: UInt64) -> FloatResult { equal(a, b, .binary32) }
    @inline(never) package static func equal64(_ a: UInt64, _ b: UInt64) -> FloatResult { equal(a, b, .binary64) }
    @inline(never) package static func less32(_ a: UInt64, _ b: UInt64, quiet: Bool) -> FloatResult { less(a, b, quiet, .binary32) }
    @inline(never) package static func less64(_ a: UInt64, _ b: UInt64, quiet: Bool) -> FloatResult { less(a, b, quiet, .binary64) }
    @inline(never) package static func lessOrEqual32(_ a: UInt64, _ b: UInt64, quiet: Bool) -> FloatResult { lessOrEqual(a, b, quiet, .binary32) }
    @inline(never) package static func lessOrEqual64(_ a: UInt64, _ b: UInt64, quiet: Bool) -> FloatResult { lessOrEqual(a, b, quiet, .binary64) }

    /// A place on the number line: bit patterns are sign and magnitude, and their order as such, with
    /// both zeros at 0, is the numbers' order.
    @inline(__always) private static func place(_ a: UInt64, _ f: FloatFormat) -> Int64 {
        let magnitude = Int64(truncatingIfNeeded: a & f.magnitudeMask)
        return f.sign(a) != 0 ? 0 &- magnitude : magnitude
    }

    @inline(__always) private static func unordered(_ a: UInt64, _ b: UInt64, _ quiet: Bool, _ f: FloatFormat) -> FloatResult {
        let signals = !quiet || f.isSignalingNaN(a) || f.isSignalingNaN(b)
        return FloatResult(0, signals ? FloatFlag.invalid : 0)
    }

    @inline(__always) private static func equal(_ a: UInt64, _ b: UInt64, _ f: FloatFormat) -> FloatResult {
        if f.isNaN(a) || f.isNaN(b) { return unordered(a, b, true, f) }
        return FloatResult(place(a, f) == place(b, f) ? 1 : 0)
    }
    @inline(__always) private static func less(_ a: UInt64, _ b: UInt64, _ quiet: Bool, _ f: FloatFormat) -> FloatResult {
        if f.isNaN(a) || f.isNaN(b) { return unordered(a, b, quiet, f) }
        return FloatResult(place(a, f) < place(b, f) ? 1 : 0)
    }
    @inline(__always) private static func lessOrEqual(_ a: UInt64, _ b: UInt64, _ quiet: Bool, _ f: FloatFormat) -> FloatResult {
        if f.isNaN(a) || f.isNaN(b) { return unordered(a, b, quiet, f) }
        return FloatResult(place(a, f) <= place(b, f) ? 1 : 0)
    }

    // fmin and fmax: minimumNumber and maximumNumber of IEEE 754-2019, 9.6, with -0 below +0
    // (unprivileged spec, 20.6). fminm and fmaxm (Zfa) differ in that any NaN gives the canonical one.
    @inline(never) package static func minimum32(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: false, keepNaN: false, .binary32) }
    @inline(never) package static func minimum64(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: false, keepNaN: false, .binary64) }
    @inline(never) package static func maximum32(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: true, keepNaN: false, .binary32) }
    @inline(never) package static func maximum64(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: true, keepNaN: false, .binary64) }
    @inline(never) package static func minimumOrNaN32(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: false, keepNaN: true, .binary32) }
    @inline(never) package static func minimumOrNaN64(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: false, keepNaN: true, .binary64) }
    @inline(never) package static func maximumOrNaN32(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: true, keepNaN: true, .binary32) }
    @inline(never) package static func maximumOrNaN64(_ a: UInt64, _ b: UInt64) -> FloatResult { pick(a, b, greater: true, keepNaN: true, .binary64) }

    @inline(__always) private static func pick(
        _ a: UInt64, _ b: UInt64, greater: Bool, keepNaN: Bool, _ f: FloatFormat
    ) -> FloatResult {
        if f.isNaN(a) || f.isNaN(b) {
            var r = propagateNaN(a, b, f)
            if !keepNaN {
                if !f.isNaN(a) { r.bits = a }
                if !f.isNaN(b) { r.bits = b }
            }
            return r
        }
        // Ordered by place, and among the zeros by sign.
        let pa = place(a, f), pb = place(b, f)
        let aBelow = pa < pb || pa == pb && f.sign(a) != 0
        return FloatResult(aBelow != greater ? a : b)
    }
}
