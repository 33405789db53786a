import CHost

// Arithmetic of F and D (unprivileged spec, 20.6 and 21.4).
//
// Each handler tries the host's own instruction first, where that can't be told from the exact operation:
// the rounding mode is the host's, inexact is set already, and the result is an ordinary number, which no
// other exception leads to. Everything else goes to the soft-float.

@c func rv_fadd_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2)
        let r = (hostSingle(a) + hostSingle(b)).bitPattern
        if isBoxed(a & b) && isOrdinary(r) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fadd_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fadd_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.add32(h.single(op.rs1), h.single(op.rs2), rm))
}

@c func rv_fsub_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2)
        let r = (hostSingle(a) - hostSingle(b)).bitPattern
        if isBoxed(a & b) && isOrdinary(r) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fsub_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fsub_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.subtract32(h.single(op.rs1), h.single(op.rs2), rm))
}

@c func rv_fmul_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2)
        let r = (hostSingle(a) * hostSingle(b)).bitPattern
        if isBoxed(a & b) && isOrdinary(r) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fmul_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fmul_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.multiply32(h.single(op.rs1), h.single(op.rs2), rm))
}

@c func rv_fdiv_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1), b = h.f(op.rs2)
        let r = (hostSingle(a) / hostSingle(b)).bitPattern
        if isBoxed(a & b) && isOrdinary(r) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fdiv_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fdiv_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.divide32(h.single(op.rs1), h.single(op.rs2), rm))
}

@c func rv_fsqrt_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1)
        let r = host_square_root_single(hostSingle(a)).bitPattern
        if isBoxed(a) && isOrdinary(r) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fsqrt_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fsqrt_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.squareRoot32(h.single(op.rs1), rm))
}

@c func rv_fadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let r = (hostDouble(h.f(op.rs1)) + hostDouble(h.f(op.rs2))).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fadd_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.add64(h.double(op.rs1), h.double(op.rs2), rm))
}

@c func rv_fsub_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let r = (hostDouble(h.f(op.rs1)) - hostDouble(h.f(op.rs2))).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fsub_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fsub_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.subtract64(h.double(op.rs1), h.double(op.rs2), rm))
}

@c func rv_fmul_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let r = (hostDouble(h.f(op.rs1)) * hostDouble(h.f(op.rs2))).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fmul_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fmul_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.multiply64(h.double(op.rs1), h.double(op.rs2), rm))
}

@c func rv_fdiv_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let r = (hostDouble(h.f(op.rs1)) / hostDouble(h.f(op.rs2))).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fdiv_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fdiv_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.divide64(h.double(op.rs1), h.double(op.rs2), rm))
}

@c func rv_fsqrt_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let a = h.f(op.rs1)
        let r = host_square_root(hostDouble(a)).bitPattern
        if isOrdinary(r) {
            h.setDouble(op.rd, r)
            return next(h, op, tlb, n)
        }
    }
    return soft_fsqrt_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fsqrt_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.squareRoot64(h.double(op.rs1), rm))
}
