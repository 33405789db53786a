import RISCV

/// What an integer instruction leaves in rd, restated from the unprivileged specification over 128 bits.
enum IntegerCase: Sendable {
    /// rd, rs1, rs2
    case registers(@Sendable (UInt64, UInt64) -> UInt64)
    /// rd, rs1, immediate: which immediates, and the result
    case immediate([Int32], @Sendable (UInt64, Int64) -> UInt64)
    /// rd, rs1
    case unary(@Sendable (UInt64) -> UInt64)
    /// rd, upper immediate; the second operand is the pc
    case upper(@Sendable (Int64, UInt64) -> UInt64)
}

// Arithmetic without the operators that handlers use: signed and unsigned readings, and powers of two.

/// Read as a two's complement number.
func signed(_ v: UInt64) -> Int128 { v >> 63 == 1 ? Int128(v) - (1 << 64) : Int128(v) }
func signed32(_ v: UInt64) -> Int128 {
    let low = Int128(v % (1 << 32))
    return low >= 1 << 31 ? low - (1 << 32) : low
}
func unsigned(_ v: UInt64) -> Int128 { Int128(v) }
func unsigned32(_ v: UInt64) -> Int128 { Int128(v % (1 << 32)) }
/// Modulo 2⁶⁴.
func wrap(_ v: Int128) -> UInt64 {
    let m: Int128 = 1 << 64
    return UInt64(((v % m) + m) % m)
}
/// Modulo 2³², sign-extended: what every *W instruction leaves.
func wrap32(_ v: Int128) -> UInt64 {
    let m: Int128 = 1 << 32
    let low = ((v % m) + m) % m
    return wrap(low >= 1 << 31 ? low - m : low)
}
func power(_ n: UInt64) -> Int128 { Int128(1) << Int128(n) }
/// Division that rounds to minus infinity, which is what an arithmetic shift does.
func floorDivide(_ a: Int128, _ b: Int128) -> Int128 {
    let q = a / b
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q
}
func bit(_ v: UInt64, _ i: Int) -> Bool { (v / UInt64(power(UInt64(i)))) % 2 == 1 }
func build(_ width: Int, _ choose: (Int) -> Bool) -> UInt64 {
    (0..<width).reduce(0) { $0 + (choose($1) ? UInt64(power(UInt64($1))) : 0) }
}

private func leadingZeros(_ v: UInt64, _ width: Int) -> UInt64 {
    for i in stride(from: width - 1, through: 0, by: -1) where bit(v, i) { return UInt64(width - 1 - i) }
    return UInt64(width)
}
private func trailingZeros(_ v: UInt64, _ width: Int) -> UInt64 {
    for i in 0..<width where bit(v, i) { return UInt64(i) }
    return UInt64(width)
}
private func ones(_ v: UInt64, _ width: Int) -> UInt64 { UInt64((0..<width).filter { bit(v, $0) }.count) }
private func rotateLeft(_ v: UInt64, _ by: UInt64, _ width: Int) -> UInt64 {
    build(width) { bit(v, ($0 + width - Int(by) % width) % width) }
}
private func rotateRight(_ v: UInt64, _ by: UInt64, _ width: Int) -> UInt64 {
    build(width) { bit(v, ($0 + Int(by)) % width) }
}
private func divide(_ a: Int128, _ b: Int128) -> Int128 { b == 0 ? -1 : a / b }
private func remainder(_ a: Int128, _ b: Int128) -> Int128 { b == 0 ? a : a % b }
private func extend(_ v: UInt64, _ width: UInt64) -> UInt64 {
    let low = Int128(v) % power(width)
    return wrap(low >= power(width - 1) ? low - power(width) : low)
}
private func bytes(_ v: UInt64, _ change: (Int, [UInt64]) -> UInt64) -> UInt64 {
    let parts = (0..<8).map { (v / UInt64(power(UInt64($0 * 8)))) % 256 }
    return (0..<8).reduce(0) { $0 + change($1, parts) * UInt64(power(UInt64($1 * 8))) }
}

let integerCases: [Instruction: IntegerCase] = [
    .lui: .upper { imm, _ in wrap(Int128(imm)) },
    .auipc: .upper { imm, pc in wrap(Int128(imm) + Int128(pc)) },

    .addi: .immediate(Edges.immediates) { wrap(signed($0) + Int128($1)) },
    .slti: .immediate(Edges.immediates) { signed($0) < Int128($1) ? 1 : 0 },
    .sltiu: .immediate(Edges.immediates) { unsigned($0) < unsigned(wrap(Int128($1))) ? 1 : 0 },
    .xori: .immediate(Edges.immediates) { a, b in build(64) { bit(a, $0) != bit(wrap(Int128(b)), $0) } },
    .ori: .immediate(Edges.immediates) { a, b in build(64) { bit(a, $0) || bit(wrap(Int128(b)), $0) } },
    .andi: .immediate(Edges.immediates) { a, b in build(64) { bit(a, $0) && bit(wrap(Int128(b)), $0) } },
    .slli: .immediate(Edges.shifts64) { wrap(unsigned($0) * 1 % power(UInt64(64 - $1)) * power(UInt64($1))) },
    .srli: .immediate(Edges.shifts64) { wrap(unsigned($0) / power(UInt64($1))) },
    .srai: .immediate(Edges.shifts64) { wrap(floorDivide(signed($0), power(UInt64($1)))) },
    .addiw: .immediate(Edges.immediates) { wrap32(signed32($0) + Int128($1)) },
    .slliw: .immediate(Edges.shifts32) { wrap32(unsigned32($0) * power(UInt64($1))) },
    .srliw: .immediate(Edges.shifts32) { wrap32(unsigned32($0) / power(UInt64($1))) },
    .sraiw: .immediate(Edges.shifts32) { wrap32(floorDivide(signed32($0), power(UInt64($1)))) },

    .add: .registers { wrap(signed($0) + signed($1)) },
    .sub: .registers { wrap(signed($0) - signed($1)) },
    .sll: .registers { wrap(unsigned($0) % power(64 - $1 % 64) * power($1 % 64)) },
    .slt: .registers { signed($0) < signed($1) ? 1 : 0 },
    .sltu: .registers { unsigned($0) < unsigned($1) ? 1 : 0 },
    .xor: .registers { a, b in build(64) { bit(a, $0) != bit(b, $0) } },
    .srl: .registers { wrap(unsigned($0) / power($1 % 64)) },
    .sra: .registers { wrap(floorDivide(signed($0), power($1 % 64))) },
    .or: .registers { a, b in build(64) { bit(a, $0) || bit(b, $0) } },
    .and: .registers { a, b in build(64) { bit(a, $0) && bit(b, $0) } },
    .addw: .registers { wrap32(signed32($0) + signed32($1)) },
    .subw: .registers { wrap32(signed32($0) - signed32($1)) },
    .sllw: .registers { wrap32(unsigned32($0) * power($1 % 32)) },
    .srlw: .registers { wrap32(unsigned32($0) / power($1 % 32)) },
    .sraw: .registers { wrap32(floorDivide(signed32($0), power($1 % 32))) },

    // "M": products' halves; division by zero and overflow as its table says.
    .mul: .registers { UInt64(UInt128($0) * UInt128($1) % (UInt128(1) << 64)) },
    .mulh: .registers { wrap(floorDivide(signed($0) * signed($1), power(64))) },
    .mulhsu: .registers { wrap(floorDivide(signed($0) * unsigned($1), power(64))) },
    .mulhu: .registers { UInt64(UInt128($0) * UInt128($1) / (UInt128(1) << 64)) },
    .mulw: .registers { wrap32(signed32($0) * signed32($1)) },
    .div: .registers { wrap(divide(signed($0), signed($1))) },
    .divu: .registers { wrap(divide(unsigned($0), unsigned($1))) },
    .rem: .registers { wrap(remainder(signed($0), signed($1))) },
    .remu: .registers { wrap(remainder(unsigned($0), unsigned($1))) },
    .divw: .registers { wrap32(divide(signed32($0), signed32($1))) },
    .divuw: .registers { wrap32(divide(unsigned32($0), unsigned32($1))) },
    .remw: .registers { wrap32(remainder(signed32($0), signed32($1))) },
    .remuw: .registers { wrap32(remainder(unsigned32($0), unsigned32($1))) },

    // Zba
    .add_uw: .registers { wrap(unsigned32($0) + unsigned($1)) },
    .sh1add: .registers { wrap(unsigned($0) * 2 + unsigned($1)) },
    .sh2add: .registers { wrap(unsigned($0) * 4 + unsigned($1)) },
    .sh3add: .registers { wrap(unsigned($0) * 8 + unsigned($1)) },
    .sh1add_uw: .registers { wrap(unsigned32($0) * 2 + unsigned($1)) },
    .sh2add_uw: .registers { wrap(unsigned32($0) * 4 + unsigned($1)) },
    .sh3add_uw: .registers { wrap(unsigned32($0) * 8 + unsigned($1)) },
    .slli_uw: .immediate(Edges.shifts64) { wrap(unsigned32($0) * power(UInt64($1))) },

    // Zbb
    .andn: .registers { a, b in build(64) { bit(a, $0) && !bit(b, $0) } },
    .orn: .registers { a, b in build(64) { bit(a, $0) || !bit(b, $0) } },
    .xnor: .registers { a, b in build(64) { bit(a, $0) == bit(b, $0) } },
    .clz: .unary { leadingZeros($0, 64) },
    .ctz: .unary { trailingZeros($0, 64) },
    .cpop: .unary { ones($0, 64) },
    .clzw: .unary { leadingZeros($0, 32) },
    .ctzw: .unary { trailingZeros($0, 32) },
    .cpopw: .unary { ones($0, 32) },
    .sext_b: .unary { extend($0, 8) },
    .sext_h: .unary { extend($0, 16) },
    .zext_h: .unary { $0 % 0x1_0000 },
    .max: .registers { signed($0) > signed($1) ? $0 : $1 },
    .maxu: .registers { unsigned($0) > unsigned($1) ? $0 : $1 },
    .min: .registers { signed($0) < signed($1) ? $0 : $1 },
    .minu: .registers { unsigned($0) < unsigned($1) ? $0 : $1 },
    .rol: .registers { rotateLeft($0, $1 % 64, 64) },
    .ror: .registers { rotateRight($0, $1 % 64, 64) },
    .rori: .immediate(Edges.shifts64) { rotateRight($0, UInt64($1), 64) },
    .rolw: .registers { wrap32(Int128(rotateLeft($0, $1 % 32, 32))) },
    .rorw: .registers { wrap32(Int128(rotateRight($0, $1 % 32, 32))) },
    .roriw: .immediate(Edges.shifts32) { wrap32(Int128(rotateRight($0, UInt64($1), 32))) },
    .orc_b: .unary { bytes($0) { i, parts in parts[i] == 0 ? 0 : 255 } },
    .rev8: .unary { bytes($0) { i, parts in parts[7 - i] } },

    // Zbs
    .bclr: .registers { a, b in build(64) { $0 == Int(b % 64) ? false : bit(a, $0) } },
    .bext: .registers { a, b in bit(a, Int(b % 64)) ? 1 : 0 },
    .binv: .registers { a, b in build(64) { bit(a, $0) != ($0 == Int(b % 64)) } },
    .bset: .registers { a, b in build(64) { bit(a, $0) || $0 == Int(b % 64) } },
    .bclri: .immediate(Edges.shifts64) { a, b in build(64) { $0 == Int(b) ? false : bit(a, $0) } },
    .bexti: .immediate(Edges.shifts64) { a, b in bit(a, Int(b)) ? 1 : 0 },
    .binvi: .immediate(Edges.shifts64) { a, b in build(64) { bit(a, $0) != ($0 == Int(b)) } },
    .bseti: .immediate(Edges.shifts64) { a, b in build(64) { bit(a, $0) || $0 == Int(b) } },

    // Zicond
    .czero_eqz: .registers { $1 == 0 ? 0 : $0 },
    .czero_nez: .registers { $1 != 0 ? 0 : $0 },
]
