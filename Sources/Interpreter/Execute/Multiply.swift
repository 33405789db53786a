// M: multiplication and division (unprivileged spec, chapter 12). Division never traps: by zero the quotient is
// all ones and the remainder the dividend; the most negative number over -1 is itself, remainder 0.

@inline(__always) func alu_mul(_ a: UInt64, _ b: UInt64) -> UInt64 { a &* b }
@inline(__always) func alu_mulhu(_ a: UInt64, _ b: UInt64) -> UInt64 { a.multipliedFullWidth(by: b).high }
@inline(__always) func alu_mulh(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(bitPattern: signed(a).multipliedFullWidth(by: signed(b)).high) }
@inline(__always) func alu_mulhsu(_ a: UInt64, _ b: UInt64) -> UInt64 { a.multipliedFullWidth(by: b).high &- (b & UInt64(bitPattern: signed(a) &>> 63)) }
@inline(__always) func alu_mulw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(word(a) &* word(b)) }
@inline(__always) func alu_div(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(bitPattern: quotient(signed(a), signed(b))) }
@inline(__always) func alu_divu(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? ~0 : a.dividedReportingOverflow(by: b).partialValue }
@inline(__always) func alu_rem(_ a: UInt64, _ b: UInt64) -> UInt64 { UInt64(bitPattern: remainder(signed(a), signed(b))) }
@inline(__always) func alu_remu(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? a : a.remainderReportingOverflow(dividingBy: b).partialValue }
@inline(__always) func alu_divw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(UInt32(bitPattern: quotient(signed(word(a)), signed(word(b))))) }
@inline(__always) func alu_divuw(_ a: UInt64, _ b: UInt64) -> UInt64 { word(b) == 0 ? ~0 : signExtended(word(a).dividedReportingOverflow(by: word(b)).partialValue) }
@inline(__always) func alu_remw(_ a: UInt64, _ b: UInt64) -> UInt64 { signExtended(UInt32(bitPattern: remainder(signed(word(a)), signed(word(b))))) }
@inline(__always) func alu_remuw(_ a: UInt64, _ b: UInt64) -> UInt64 { word(b) == 0 ? signExtended(word(a)) : signExtended(word(a).remainderReportingOverflow(dividingBy: word(b)).partialValue) }

// The guards leave nothing that traps; the reporting forms say so to the compiler.

@inline(__always)
private func quotient<T: FixedWidthInteger & SignedInteger>(_ a: T, _ b: T) -> T {
    b == 0 ? -1 : b == -1 ? 0 &- a : a.dividedReportingOverflow(by: b).partialValue
}

@inline(__always)
private func remainder<T: FixedWidthInteger & SignedInteger>(_ a: T, _ b: T) -> T {
    b == 0 ? a : b == -1 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
}
