/// Numbers that don't repeat each other, and do repeat from run to run (splitmix64).
package struct Random: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Less than `limit`; 0 when that is 0.
    package mutating func below(_ limit: UInt64) -> UInt64 { limit == 0 ? 0 : next() % limit }
}
