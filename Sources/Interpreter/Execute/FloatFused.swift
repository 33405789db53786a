import CHost

// Fused multiply-add (unprivileged spec, 20.6): fmadd is a*b+c, fmsub a*b-c, fnmsub -a*b+c and fnmadd
// -a*b-c, each rounded once. A NaN's sign isn't kept, so flipping an operand's sign makes the variants.
//
// For doubles the host's instruction does it, if it has one: baseline x86-64 hasn't, so that is asked at run time.
// Singles don't need it. A product of two is exact in a double, and the rounded sum of doubles rounds on
// to the right single unless it lies exactly between two: rounding is monotonic, so it can reach that midpoint
// but never cross it.

@c func rv_fmadd_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2), c = h.f(op.rs3)
        let product = Double(hostSingle(a)) * Double(hostSingle(b))
        let sum = product + Double(hostSingle(c))
        let r = Float(sum).bitPattern
        if isBoxed(a & b & c) && isOrdinary(r) && !isBetweenSingles(sum) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fmadd_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fmadd_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.single(op.rs1), b = h.single(op.rs2), c = h.single(op.rs3)
    return finishSingle(h, op, tlb, n, SoftFloat.fusedMultiplyAdd32(a, b, c, rm))
}

@c func rv_fmsub_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2), c = h.f(op.rs3)
        let product = Double(hostSingle(a)) * Double(hostSingle(b))
        let sum = product - Double(hostSingle(c))
        let r = Float(sum).bitPattern
        if isBoxed(a & b & c) && isOrdinary(r) && !isBetweenSingles(sum) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fmsub_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fmsub_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.single(op.rs1), b = h.single(op.rs2), c = h.single(op.rs3) ^ 0x8000_0000
    return finishSingle(h, op, tlb, n, SoftFloat.fusedMultiplyAdd32(a, b, c, rm))
}

@c func rv_fnmsub_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2), c = h.f(op.rs3)
        let product = Double(-hostSingle(a)) * Double(hostSingle(b))
        let sum = product + Double(hostSingle(c))
        let r = Float(sum).bitPattern
        if isBoxed(a & b & c) && isOrdinary(r) && !isBetweenSingles(sum) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fnmsub_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fnmsub_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.single(op.rs1) ^ 0x8000_0000, b = h.single(op.rs2), c = h.single(op.rs3)
    return finishSingle(h, op, tlb, n, SoftFloat.fusedMultiplyAdd32(a, b, c, rm))
}

@c func rv_fnmadd_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2), c = h.f(op.rs3)
        let product = Double(-hostSingle(a)) * Double(hostSingle(b))
        let sum = product - Double(hostSingle(c))
        let r = Float(sum).bitPattern
        if isBoxed(a & b & c) && isOrdinary(r) && !isBetweenSingles(sum) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fnmadd_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fnmadd_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.single(op.rs1) ^ 0x8000_0000, b = h.single(op.rs2), c = h.single(op.rs3) ^ 0x8000_0000
    return finishSingle(h, op, tlb, n, SoftFloat.fusedMultiplyAdd32(a, b, c, rm))
}

@c func rv_fmadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) && host_has_fused() != 0 {
        let a = hostDouble(h.f(op.rs1)), b = hostDouble(h.f(op.rs2)), c = hostDouble(h.f(op.rs3))
        let r = host_fused(a, b, c).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fmadd_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fmadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.double(op.rs1), b = h.double(op.rs2), c = h.double(op.rs3)
    return finishDouble(h, op, tlb, n, SoftFloat.fusedMultiplyAdd64(a, b, c, rm))
}

@c func rv_fmsub_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) && host_has_fused() != 0 {
        let a = hostDouble(h.f(op.rs1)), b = hostDouble(h.f(op.rs2)), c = hostDouble(h.f(op.rs3))
        let r = host_fused(a, b, -c).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fmsub_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fmsub_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.double(op.rs1), b = h.double(op.rs2), c = h.double(op.rs3) ^ 0x8000_0000_0000_0000
    return finishDouble(h, op, tlb, n, SoftFloat.fusedMultiplyAdd64(a, b, c, rm))
}

@c func rv_fnmsub_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) && host_has_fused() != 0 {
        let a = hostDouble(h.f(op.rs1)), b = hostDouble(h.f(op.rs2)), c = hostDouble(h.f(op.rs3))
        let r = host_fused(-a, b, c).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fnmsub_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fnmsub_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.double(op.rs1) ^ 0x8000_0000_0000_0000, b = h.double(op.rs2), c = h.double(op.rs3)
    return finishDouble(h, op, tlb, n, SoftFloat.fusedMultiplyAdd64(a, b, c, rm))
}

@c func rv_fnmadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) && host_has_fused() != 0 {
        let a = hostDouble(h.f(op.rs1)), b = hostDouble(h.f(op.rs2)), c = hostDouble(h.f(op.rs3))
        let r = host_fused(-a, b, -c).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fnmadd_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fnmadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let a = h.double(op.rs1) ^ 0x8000_0000_0000_0000, b = h.double(op.rs2), c = h.double(op.rs3) ^ 0x8000_0000_0000_0000
    return finishDouble(h, op, tlb, n, SoftFloat.fusedMultiplyAdd64(a, b, c, rm))
}
