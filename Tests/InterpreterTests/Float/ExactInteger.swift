/// A signed integer of any size, as little as the tests need: exact values of floating-point expressions.
struct ExactInteger {
    var negative = false
    /// Little-endian, without zeros at the top; empty is zero.
    var words: [UInt32] = []

    /// x * 2^1074, whole for every double; 2^1024 stands for infinity, the next number on its grid.
    init(scaled x: Double) {
        if x == 0 { return }
        negative = x < 0
        let bits = x.bitPattern, field = Int(bits >> 52 & 0x7FF)
        let fraction = bits & (1 << 52 - 1)
        let significand = field == 0 || field == 0x7FF && fraction == 0 ? (field == 0 ? fraction : 1 << 52) : fraction | 1 << 52
        let shift = max(field, 1) - 1
        words = [UInt32](repeating: 0, count: shift / 32)
        let wide = UInt128(significand) << UInt128(shift % 32)
        for i in 0..<4 { words.append(UInt32(truncatingIfNeeded: wide >> UInt128(32 * i))) }
        trim()
    }
    init() {}

    mutating func trim() { while words.last == 0 { words.removeLast() } }

    static func compareMagnitudes(_ a: ExactInteger, _ b: ExactInteger) -> Int {
        if a.words.count != b.words.count { return a.words.count < b.words.count ? -1 : 1 }
        for i in a.words.indices.reversed() where a.words[i] != b.words[i] { return a.words[i] < b.words[i] ? -1 : 1 }
        return 0
    }

    static prefix func - (a: ExactInteger) -> ExactInteger {
        var r = a
        r.negative.toggle()
        return r
    }
    static func - (a: ExactInteger, b: ExactInteger) -> ExactInteger { a + -b }

    static func + (a: ExactInteger, b: ExactInteger) -> ExactInteger {
        var r = ExactInteger()
        if a.negative == b.negative {
            r.negative = a.negative
            var carry: UInt64 = 0
            for i in 0..<max(a.words.count, b.words.count) {
                carry += UInt64(i < a.words.count ? a.words[i] : 0) + UInt64(i < b.words.count ? b.words[i] : 0)
                r.words.append(UInt32(truncatingIfNeeded: carry))
                carry >>= 32
            }
            r.words.append(UInt32(carry))
        } else {
            let order = compareMagnitudes(a, b)
            if order == 0 { return r }
            let (x, y) = order > 0 ? (a, b) : (b, a)
            r.negative = x.negative
            var borrow: Int64 = 0
            for i in x.words.indices {
                let d = Int64(x.words[i]) - Int64(i < y.words.count ? y.words[i] : 0) + borrow
                r.words.append(UInt32(truncatingIfNeeded: d))
                borrow = d < 0 ? -1 : 0
            }
        }
        r.trim()
        return r
    }

    static func * (a: ExactInteger, b: ExactInteger) -> ExactInteger {
        var r = ExactInteger()
        r.negative = a.negative != b.negative
        r.words = [UInt32](repeating: 0, count: a.words.count + b.words.count)
        for i in a.words.indices where a.words[i] != 0 {
            var carry: UInt64 = 0
            for j in b.words.indices {
                carry += UInt64(a.words[i]) * UInt64(b.words[j]) + UInt64(r.words[i + j])
                r.words[i + j] = UInt32(truncatingIfNeeded: carry)
                carry >>= 32
            }
            r.words[i + b.words.count] = UInt32(carry)
        }
        r.trim()
        return r
    }

    /// Times 2^n.
    static func << (a: ExactInteger, n: Int) -> ExactInteger {
        var r = ExactInteger()
        r.negative = a.negative
        r.words = [UInt32](repeating: 0, count: n / 32)
        var carry: UInt64 = 0
        for w in a.words {
            carry |= UInt64(w) << UInt64(n % 32)
            r.words.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        r.words.append(UInt32(carry))
        r.trim()
        return r
    }

    /// -1, 0 or 1.
    var signum: Int { words.isEmpty ? 0 : negative ? -1 : 1 }
}
