// Zba, Zbb, Zbs and Zicond (unprivileged spec: bit manipulation, integer conditional operations).

@inline(__always) func alu_sh1add(_ a: UInt64, _ b: UInt64) -> UInt64 { (a &<< 1) &+ b }
@inline(__always) func alu_sh1add_uw(_ a: UInt64, _ b: UInt64) -> UInt64 { (UInt64(word(a)) &<< 1) &+ b }
@inline(__always) func alu_sh2add(_ a: UInt64, _ b: UInt64) -> UInt64 { (a &<< 2) &+ b }
@inline(__always) func alu_sh2add_uw(_ a: UInt64, _ b: UInt64) -> UInt64 { (UInt64(word(a)) &<< 2) &+ b }
@inline(__always) func alu_sh3add(_ a: UInt64, _ b: UInt64) -> UInt64 { (a &<< 3) &+ b }
@inline(__always) func alu_sh3add_uw(_ a: UInt64, _ b: UInt64) -> UInt64 { (UInt64(word(a)) &<< 3) &+ b }
@inline(__always) func alu_add_uw(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(word(a)) &+ b }
@inline(__always) func alu_slli_uw(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(word(a)) &<< b }
@inline(__always) func alu_andn(_ a: UInt64, _ b: UInt64) -> UInt64 { a & ~b }
@inline(__always) func alu_orn(_ a: UInt64, _ b: UInt64) -> UInt64 { a | ~b }
@inline(__always) func alu_xnor(_ a: UInt64, _ b: UInt64) -> UInt64 { ~(a ^ b) }
@inline(__always) func alu_clz(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(truncatingIfNeeded: a.leadingZeroBitCount) }
@inline(__always) func alu_ctz(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(truncatingIfNeeded: a.trailingZeroBitCount) }
@inline(__always) func alu_cpop(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(truncatingIfNeeded: a.nonzeroBitCount) }
@inline(__always) func alu_clzw(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(truncatingIfNeeded: word(a).leadingZeroBitCount) }
@inline(__always) func alu_ctzw(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(truncatingIfNeeded: word(a).trailingZeroBitCount) }
@inline(__always) func alu_cpopw(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(truncatingIfNeeded: word(a).nonzeroBitCount) }
@inline(__always) func alu_max(_ a: UInt64, _ b: UInt64) -> UInt64 { signed(a) < signed(b) ? b : a }
@inline(__always) func alu_min(_ a: UInt64, _ b: UInt64) -> UInt64 { signed(a) < signed(b) ? a : b }
@inline(__always) func alu_maxu(_ a: UInt64, _ b: UInt64) -> UInt64 { a < b ? b : a }
@inline(__always) func alu_minu(_ a: UInt64, _ b: UInt64) -> UInt64 { a < b ? a : b }
@inline(__always) func alu_sext_b(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: a))) }
@inline(__always) func alu_sext_h(_ a: UInt64, _: UInt64) -> UInt64 { UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: a))) }
@inline(__always) func alu_zext_h(_ a: UInt64, _: UInt64) -> UInt64 { a & 0xFFFF }
@inline(__always) func alu_rol(_ a: UInt64, _ b: UInt64) -> UInt64 { a &<< b | a &>> (0 &- b) }
@inline(__always) func alu_ror(_ a: UInt64, _ b: UInt64) -> UInt64 { a &>> b | a &<< (0 &- b) }
@inline(__always) func alu_rolw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &<< word(b) | word(a) &>> (0 &- word(b))) }
@inline(__always) func alu_rorw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &>> word(b) | word(a) &<< (0 &- word(b))) }
@inline(__always) func alu_rev8(_ a: UInt64, _: UInt64) -> UInt64 { a.byteSwapped }
@inline(__always) func alu_bclr(_ a: UInt64, _ b: UInt64) -> UInt64 { a & ~(1 &<< b) }
@inline(__always) func alu_bext(_ a: UInt64, _ b: UInt64) -> UInt64 { a &>> b & 1 }
@inline(__always) func alu_binv(_ a: UInt64, _ b: UInt64) -> UInt64 { a ^ (1 &<< b) }
@inline(__always) func alu_bset(_ a: UInt64, _ b: UInt64) -> UInt64 { a | 1 &<< b }
@inline(__always) func alu_czero_eqz(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? 0 : a }
@inline(__always) func alu_czero_nez(_ a: UInt64, _ b: UInt64) -> UInt64 { b != 0 ? 0 : a }

/// Sets every byte that isn't zero to 0xFF.
@inline(__always)
func alu_orc_b(_ a: UInt64, _: UInt64) -> UInt64 {
    var v = a
    v |= v &>> 4 & 0x0F0F_0F0F_0F0F_0F0F
    v |= v &>> 2 & 0x3333_3333_3333_3333
    v |= v &>> 1
    return (v & 0x0101_0101_0101_0101) &* 0xFF
}
