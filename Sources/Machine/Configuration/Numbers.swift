/// A whole decimal number, or nil: digits only, no sign, no overflow.
func parseDecimal(_ digits: some Sequence<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    var any = false
    for d in digits {
        guard d >= 0x30, d <= 0x39 else { return nil }
        let (tens, wraps) = value.multipliedReportingOverflow(by: 10)
        let (sum, carries) = tens.addingReportingOverflow(UInt64(d - 0x30))
        guard !wraps, !carries else { return nil }
        value = sum
        any = true
    }
    return any ? value : nil
}

/// Bytes for people: the largest unit that divides evenly.
package func sizeText(_ bytes: UInt64) -> String {
    let units: [(UInt64, String)] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    for (size, name) in units where bytes >= size && bytes % size == 0 { return "\(bytes / size) \(name)" }
    return "\(bytes) bytes"
}

/// An address for people.
func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
