// Comparisons, minimum and maximum, classes (unprivileged spec, 20.6, 20.8, 20.9; Zfa). With no NaN among
// the operands none of them raises a flag, and the host's comparison is as good as any.

@c func rv_feq_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        h.setX(op.rd, x == y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_feq_s(h, op, tlb, n)
}
@inline(never)
@c func soft_feq_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.equal32(h.single(op.rs1), h.single(op.rs2)))
}

@c func rv_flt_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        h.setX(op.rd, x < y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_flt_s(h, op, tlb, n)
}
@inline(never)
@c func soft_flt_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.less32(h.single(op.rs1), h.single(op.rs2), quiet: false))
}

@c func rv_fle_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        h.setX(op.rd, x <= y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_fle_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fle_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.lessOrEqual32(h.single(op.rs1), h.single(op.rs2), quiet: false))
}

@c func rv_fltq_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        h.setX(op.rd, x < y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_fltq_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fltq_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.less32(h.single(op.rs1), h.single(op.rs2), quiet: true))
}

@c func rv_fleq_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        h.setX(op.rd, x <= y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_fleq_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fleq_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.lessOrEqual32(h.single(op.rs1), h.single(op.rs2), quiet: true))
}

@c func rv_fmin_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x < y ? a : y < x ? b : a | b)
        return next(h, op, tlb, n)
    }
    return soft_fmin_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fmin_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishSingle(h, op, tlb, n, SoftFloat.minimum32(h.single(op.rs1), h.single(op.rs2)))
}

@c func rv_fmax_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x > y ? a : y > x ? b : a & b)
        return next(h, op, tlb, n)
    }
    return soft_fmax_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fmax_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishSingle(h, op, tlb, n, SoftFloat.maximum32(h.single(op.rs1), h.single(op.rs2)))
}

@c func rv_fminm_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x < y ? a : y < x ? b : a | b)
        return next(h, op, tlb, n)
    }
    return soft_fminm_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fminm_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishSingle(h, op, tlb, n, SoftFloat.minimumOrNaN32(h.single(op.rs1), h.single(op.rs2)))
}

@c func rv_fmaxm_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostSingle(a), y = hostSingle(b)
    if isBoxed(a & b) && isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x > y ? a : y > x ? b : a & b)
        return next(h, op, tlb, n)
    }
    return soft_fmaxm_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fmaxm_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishSingle(h, op, tlb, n, SoftFloat.maximumOrNaN32(h.single(op.rs1), h.single(op.rs2)))
}

@c func rv_fclass_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, SoftFloat.classify(h.single(op.rs1), .binary32))
    return next(h, op, tlb, n)
}

@c func rv_feq_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        h.setX(op.rd, x == y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_feq_d(h, op, tlb, n)
}
@inline(never)
@c func soft_feq_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.equal64(h.double(op.rs1), h.double(op.rs2)))
}

@c func rv_flt_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        h.setX(op.rd, x < y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_flt_d(h, op, tlb, n)
}
@inline(never)
@c func soft_flt_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.less64(h.double(op.rs1), h.double(op.rs2), quiet: false))
}

@c func rv_fle_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        h.setX(op.rd, x <= y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_fle_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fle_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.lessOrEqual64(h.double(op.rs1), h.double(op.rs2), quiet: false))
}

@c func rv_fltq_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        h.setX(op.rd, x < y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_fltq_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fltq_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.less64(h.double(op.rs1), h.double(op.rs2), quiet: true))
}

@c func rv_fleq_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        h.setX(op.rd, x <= y ? 1 : 0)
        return next(h, op, tlb, n)
    }
    return soft_fleq_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fleq_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.lessOrEqual64(h.double(op.rs1), h.double(op.rs2), quiet: true))
}

@c func rv_fmin_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x < y ? a : y < x ? b : a | b)
        return next(h, op, tlb, n)
    }
    return soft_fmin_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fmin_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishDouble(h, op, tlb, n, SoftFloat.minimum64(h.double(op.rs1), h.double(op.rs2)))
}

@c func rv_fmax_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x > y ? a : y > x ? b : a & b)
        return next(h, op, tlb, n)
    }
    return soft_fmax_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fmax_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishDouble(h, op, tlb, n, SoftFloat.maximum64(h.double(op.rs1), h.double(op.rs2)))
}

@c func rv_fminm_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x < y ? a : y < x ? b : a | b)
        return next(h, op, tlb, n)
    }
    return soft_fminm_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fminm_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishDouble(h, op, tlb, n, SoftFloat.minimumOrNaN64(h.double(op.rs1), h.double(op.rs2)))
}

@c func rv_fmaxm_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    let x = hostDouble(a), y = hostDouble(b)
    if isOrdered(x, y) {
        // Equal numbers differ in the sign of a zero at most.
        h.setF(op.rd, x > y ? a : y > x ? b : a & b)
        return next(h, op, tlb, n)
    }
    return soft_fmaxm_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fmaxm_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishDouble(h, op, tlb, n, SoftFloat.maximumOrNaN64(h.double(op.rs1), h.double(op.rs2)))
}

@c func rv_fclass_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, SoftFloat.classify(h.double(op.rs1), .binary64))
    return next(h, op, tlb, n)
}
