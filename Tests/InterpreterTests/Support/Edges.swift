/// Operands at which arithmetic goes wrong.
enum Edges {
    static let words: [UInt64] = [
        0, 1, 2, 31, 32, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_7FFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
        0x8000_0000_0000_0001, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF, 0x0123_4567_89AB_CDEF,
        0xFEDC_BA98_7654_3210, 0x00FF_0000_1200_0080, 0xAAAA_AAAA_5555_5555,
    ]
    /// Those twelve bits can hold.
    static let immediates: [Int32] = [0, 1, -1, 2, 31, 32, 63, 255, 1023, 2047, -2048, -2047, -1024, 0x555, -0x556]
    static let shifts64: [Int32] = [0, 1, 15, 31, 32, 33, 47, 62, 63]
    static let shifts32: [Int32] = [0, 1, 15, 16, 30, 31]
}
