/// `0x8260_0000`: an address as the messages print it.
func hex(_ value: UInt64) -> String {
    let digits = Array(String(value, radix: 16).utf8)
    var out: [UInt8] = [0x30, 0x78]
    for (i, digit) in digits.enumerated() {
        if i > 0, (digits.count - i) % 4 == 0 { out.append(0x5F) }
        // Lower-case letters to upper-case, so that the x stands out.
        out.append(digit >= 0x61 ? digit - 0x20 : digit)
    }
    return String(decoding: out, as: UTF8.self)
}

/// `900 MiB`, `1.5 GiB`, `12 KiB`, `17 bytes`: a size cut to one decimal.
func sizeText(_ bytes: UInt64) -> String {
    if bytes == 1 { return "1 byte" }
    let units: [(shift: UInt64, name: String)] = [(30, "GiB"), (20, "MiB"), (10, "KiB")]
    for unit in units where bytes >> unit.shift > 0 {
        let whole = bytes >> unit.shift
        let rest = bytes & ((1 << unit.shift) - 1)
        let tenths = ((rest >> (unit.shift - 10)) * 10) >> 10
        return tenths == 0 ? "\(whole) \(unit.name)" : "\(whole).\(tenths) \(unit.name)"
    }
    return "\(bytes) bytes"
}

/// `text` with control characters replaced by `?`.
func printable(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 { out.append(byte < 0x20 || byte == 0x7F ? 0x3F : byte) }
    return String(decoding: out, as: UTF8.self)
}

/// A NUL would cut the text short once it is a C string.
func hasNUL(_ text: String) -> Bool {
    for byte in text.utf8 where byte == 0 { return true }
    return false
}

/// `value` rounded up to a multiple of `alignment`, a power of two; nil beyond 2^64.
func roundUp(_ value: UInt64, to alignment: UInt64) -> UInt64? {
    let (sum, overflow) = value.addingReportingOverflow(alignment &- 1)
    return overflow ? nil : sum & ~(alignment &- 1)
}

func roundDown(_ value: UInt64, to alignment: UInt64) -> UInt64 { value & ~(alignment &- 1) }
