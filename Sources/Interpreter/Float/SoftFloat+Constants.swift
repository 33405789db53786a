extension SoftFloat {
    /// fli's 32 numbers by the rs1 field (unprivileged spec, Zfa, "Load-Immediate Instructions"). All are
    /// exact in binary32, and all but the second are the same numbers in every format.
    @inline(__always) package static func constant32(_ index: UInt8) -> UInt64 {
        // A switch rather than an array: a global array is built at run time, behind a once-guard.
        let upper: UInt16 = switch index & 31 {
        case 0: 0xBF80  // -1.0
        case 1: 0x0080  // the smallest normal
        case 2: 0x3780  // 2^-16
        case 3: 0x3800  // 2^-15
        case 4: 0x3B80  // 2^-8
        case 5: 0x3C00  // 2^-7
        case 6: 0x3D80  // 0.0625
        case 7: 0x3E00  // 0.125
        case 8: 0x3E80  // 0.25
        case 9: 0x3EA0  // 0.3125
        case 10: 0x3EC0  // 0.375
        case 11: 0x3EE0  // 0.4375
        case 12: 0x3F00  // 0.5
        case 13: 0x3F20  // 0.625
        case 14: 0x3F40  // 0.75
        case 15: 0x3F60  // 0.875
        case 16: 0x3F80  // 1.0
        case 17: 0x3FA0  // 1.25
        case 18: 0x3FC0  // 1.5
        case 19: 0x3FE0  // 1.75
        case 20: 0x4000  // 2.0
        case 21: 0x4020  // 2.5
        case 22: 0x4040  // 3.0
        case 23: 0x4080  // 4.0
        case 24: 0x4100  // 8.0
        case 25: 0x4180  // 16.0
        case 26: 0x4300  // 128.0
        case 27: 0x4380  // 256.0
        case 28: 0x4700  // 2^15
        case 29: 0x4780  // 2^16
        case 30: 0x7F80  // +infinity
        default: 0x7FC0  // the canonical NaN
        }
        return UInt64(upper) &<< 16
    }

    @inline(__always) package static func constant64(_ index: UInt8) -> UInt64 {
        let single = constant32(index)
        switch index & 31 {
        case 1: return 0x0010_0000_0000_0000
        case 30: return 0x7FF0_0000_0000_0000
        case 31: return 0x7FF8_0000_0000_0000
        default:
            // Normal in both formats: the fields move, and the exponent changes its bias.
            let rebias: UInt64 = (1023 &- 127) &<< 52
            return (single & 0x8000_0000) &<< 32 | ((single & 0x7FFF_FFFF) &<< 29 &+ rebias)
        }
    }
}
