/// How a device whose registers are all 32 bits wide answers the other widths.
///
/// Such devices are specified for naturally aligned 32-bit accesses only (PLIC 1.0.0, "Memory Map"). Beyond
/// those, one rule for all of them:
/// - a naturally aligned 8-byte access is two 4-byte accesses, the lower address first, as a 32-bit bus makes it;
/// - a narrower or misaligned access reaches no register: it reads 0, stores nothing and has no side effect, so
///   that a stray byte load doesn't claim an interrupt.
package enum RegisterAccess {
    /// Answers a load out of `register`, which is given the offsets of whole registers.
    @inline(__always)
    package static func read(offset: UInt64, width: Int, _ register: (_ offset: UInt64) -> UInt32) -> UInt64 {
        if width == 4, offset & 3 == 0 { return UInt64(register(offset)) }
        if width == 8, offset & 7 == 0 {
            let low = UInt64(register(offset))
            return low | UInt64(register(offset &+ 4)) << 32
        }
        return 0
    }

    /// Hands a store to `register` as stores of whole registers.
    @inline(__always)
    package static func write(
        offset: UInt64, width: Int, value: UInt64, _ register: (_ offset: UInt64, _ value: UInt32) -> Void
    ) {
        if width == 4, offset & 3 == 0 {
            register(offset, UInt32(truncatingIfNeeded: value))
        } else if width == 8, offset & 7 == 0 {
            register(offset, UInt32(truncatingIfNeeded: value))
            register(offset &+ 4, UInt32(truncatingIfNeeded: value >> 32))
        }
    }

    /// The bits that an access of `width` bytes carries.
    @inline(__always)
    package static func mask(width: Int) -> UInt64 {
        switch width {
        case 1: 0xFF
        case 2: 0xFFFF
        case 4: 0xFFFF_FFFF
        default: ~0
        }
    }
}
