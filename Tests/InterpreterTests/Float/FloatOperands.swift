import CHost
import Interpreter

/// The same operands on every run.
struct OperandSource {
    private var random: Random

    init(seed: UInt64) { random = Random(seed) }

    mutating func next() -> UInt64 { random.next() }

    /// Bits of a number, biased towards the edges: extreme exponents, long runs of equal bits in the
    /// fraction, NaNs of both kinds.
    mutating func number(_ w: Width) -> UInt64 {
        let r = next()
        let choice = next()
        let exponentBits = UInt64(w.exponentBits), fractionBits = UInt64(w.fractionBits)
        let top = (UInt64(1) << exponentBits) - 1
        let fractionMask = (UInt64(1) << fractionBits) - 1
        let exponent: UInt64 = switch choice & 15 {
        case 0: 0
        case 1: top
        case 2: (r >> 3) & 3
        case 3: top - ((r >> 3) & 3)
        case 4...9: (top >> 1) &+ ((r >> 3) % 9) &- 4
        case 10: (top >> 1) &+ ((r >> 3) % (2 * fractionBits)) &- fractionBits
        default: (r >> 3) & top
        }
        let random = next() & fractionMask
        let run = UInt64(next() % (fractionBits + 1))
        let fraction: UInt64 = switch (choice >> 4) & 7 {
        case 0: 0
        case 1: fractionMask
        case 2: (UInt64(1) << run) & fractionMask
        case 3: fractionMask & ~((UInt64(1) << run) - 1)
        case 4: (UInt64(1) << run) - 1
        case 5: (random >> (fractionBits / 2)) << (fractionBits / 2)
        default: random
        }
        return (r & 1) << (exponentBits + fractionBits) | exponent << fractionBits | fraction
    }

    /// A number near `other`, or its opposite: sums that cancel, quotients near one.
    mutating func number(near other: UInt64, _ w: Width) -> UInt64 {
        if next() & 3 != 0 { return number(w) }
        let delta = next() & 7
        let sign = (next() & 1) << UInt64(w.exponentBits + w.fractionBits)
        return (other &+ delta &- 3) & w.mask ^ sign
    }
}

enum Width {
    case single, double

    var exponentBits: Int { self == .single ? 8 : 11 }
    var fractionBits: Int { self == .single ? 23 : 52 }
    var mask: UInt64 { self == .single ? 0xFFFF_FFFF : ~0 }
    var infinity: UInt64 { self == .single ? 0x7F80_0000 : 0x7FF0_0000_0000_0000 }
    var magnitude: UInt64 { mask >> 1 }
    var sign: UInt64 { magnitude + 1 }
    var nan: UInt64 { self == .single ? 0x7FC0_0000 : 0x7FF8_0000_0000_0000 }
    var smallestNormal: UInt64 { 1 << UInt64(fractionBits) }

    func isNaN(_ x: UInt64) -> Bool { x & magnitude > infinity }
    func isSignaling(_ x: UInt64) -> Bool { isNaN(x) && x & (smallestNormal >> 1) == 0 }

    /// What the host's FPU says, its NaNs made canonical.
    func host(_ operation: host_fp_operation, _ mode: RoundingMode, _ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0) -> FloatResult {
        let r = self == .single
            ? host_fp32(operation, Int32(mode.rawValue), a, b, c)
            : host_fp64(operation, Int32(mode.rawValue), a, b, c)
        return FloatResult(isNaN(r.bits) ? nan : r.bits, r.flags)
    }
}

extension FloatResult: Equatable {
    package static func == (a: FloatResult, b: FloatResult) -> Bool { a.bits == b.bits && a.flags == b.flags }
}

/// The modes the host has.
let hostModes: [RoundingMode] = [.nearestEven, .towardZero, .down, .up]

/// The first few disagreements of a long run, and how long it was.
struct Tally {
    var cases = 0
    var failures: [String] = []

    mutating func check(_ actual: FloatResult, _ expected: FloatResult, _ context: @autoclosure () -> String) {
        cases += 1
        if actual != expected, failures.count < 8 {
            failures.append("\(context()): got \(show(actual)), expected \(show(expected))")
        }
    }
    private func show(_ r: FloatResult) -> String { hex(r.bits) + "/" + String(r.flags, radix: 2) }
}

func hex(_ x: UInt64) -> String { "0x" + String(x, radix: 16) }
