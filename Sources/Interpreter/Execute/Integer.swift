// What register instructions compute: rs1's value and rs2's, or the immediate in its place, to rd's. isagen makes
// a handler of each, and fused handlers of the pairs that occur most (unprivileged spec, chapters named below).

/// The low 32 bits, sign-extended: how every *W instruction ends.
@inline(__always) func signExtended(_ v: UInt32) -> UInt64 { UInt64(bitPattern: Int64(Int32(bitPattern: v))) }
@inline(__always) func word(_ v: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: v) }
@inline(__always) func signed(_ v: UInt64) -> Int64 { Int64(bitPattern: v) }
@inline(__always) func signed(_ v: UInt32) -> Int32 { Int32(bitPattern: v) }

// RV64I: 2.4, 4.2

@inline(__always) func alu_lui(_: UInt64, _ b: UInt64) -> UInt64 { b }
@inline(__always) func alu_add(_ a: UInt64, _ b: UInt64) -> UInt64 { a &+ b }
@inline(__always) func alu_sub(_ a: UInt64, _ b: UInt64) -> UInt64 { a &- b }
@inline(__always) func alu_slt(_ a: UInt64, _ b: UInt64) -> UInt64 { signed(a) < signed(b) ? 1 : 0 }
@inline(__always) func alu_sltu(_ a: UInt64, _ b: UInt64) -> UInt64 { a < b ? 1 : 0 }
@inline(__always) func alu_xor(_ a: UInt64, _ b: UInt64) -> UInt64 { a ^ b }
@inline(__always) func alu_or(_ a: UInt64, _ b: UInt64) -> UInt64 { a | b }
@inline(__always) func alu_and(_ a: UInt64, _ b: UInt64) -> UInt64 { a & b }
@inline(__always) func alu_sll(_ a: UInt64, _ b: UInt64) -> UInt64 { a &<< b }
@inline(__always) func alu_srl(_ a: UInt64, _ b: UInt64) -> UInt64 { a &>> b }
@inline(__always) func alu_sra(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(bitPattern: signed(a) &>> signed(b)) }
@inline(__always) func alu_addw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &+ word(b)) }
@inline(__always) func alu_subw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &- word(b)) }
@inline(__always) func alu_sllw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &<< word(b)) }
@inline(__always) func alu_srlw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &>> word(b)) }
@inline(__always) func alu_sraw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(UInt32(bitPattern: signed(word(a)) &>> signed(word(b)))) }
