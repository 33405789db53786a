import Boot

/// One function a kind of value: text to number, or one sentence that says what would have been right.
extension GuestConfiguration {
    package static let maximumCPUs = 64
    /// Below this no kernel has room for itself, its device tree and an initrd.
    package static let minimumMemory: UInt64 = 4 << 20
    /// Sv57's guest physical addresses have 56 bits.
    static let maximumMemory: UInt64 = (1 << 56) - MemoryMap.ramBase

    static func path(_ s: Setting) throws(MachineError) -> String {
        if s.text.isEmpty { throw s.refused("needs the name of a file") }
        // A C string ends at the first NUL, which would name another file.
        if s.text.utf8.contains(0) { throw s.refused("a file name can't contain a NUL character") }
        return s.text
    }

    /// A file to be loaded, remembering where it was named: errors about its content repeat that.
    static func payload(_ s: Setting) throws(MachineError) -> PayloadSource {
        PayloadSource(option: s.origin, path: try path(s))
    }

    /// `none`, or a file; `./none` is a file of that name.
    static func firmware(_ s: Setting) throws(MachineError) -> FirmwareRequest {
        s.text == "none" ? .none : .file(try payload(s))
    }

    /// Bytes a line, as Spike's +signature-granularity.
    static func granularity(_ s: Setting) throws(MachineError) -> Int {
        guard let n = parseDecimal(s.text.utf8), n >= 1, n <= 64, n & (n - 1) == 0 else {
            throw s.refused("a line of a signature has 1, 2, 4, 8, 16, 32 or 64 bytes")
        }
        return Int(n)
    }

    static func name(_ s: Setting) throws(MachineError) -> String {
        let printable = s.text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard printable, (1...64).contains(s.text.utf8.count) else {
            throw s.refused("a guest's name has 1 to 64 bytes and no control characters")
        }
        return s.text
    }

    static func cpuCount(_ s: Setting) throws(MachineError) -> Int {
        guard let n = parseDecimal(s.text.utf8), n >= 1, n <= UInt64(maximumCPUs) else {
            throw s.refused("a guest has 1 to \(maximumCPUs) harts")
        }
        return Int(n)
    }

    /// Bytes from `512M`, `4G`; a bare number counts MiB, as for kvmtool and QEMU.
    static func memorySize(_ s: Setting) throws(MachineError) -> UInt64 {
        var digits = Array(s.text.utf8)
        var shift: UInt64 = 20
        if let last = digits.last, let unit = unitShift(last) {
            shift = unit
            digits.removeLast()
        }
        guard let n = parseDecimal(digits) else {
            throw s.refused("a size is a whole number with K, M, G or T, such as 512M or 4G")
        }
        let (bytes, wraps) = n.multipliedReportingOverflow(by: 1 << shift)
        if wraps || bytes > maximumMemory { throw s.refused("guest addresses have 56 bits, RAM can't be larger than that") }
        if bytes < minimumMemory { throw s.refused("a guest needs at least \(sizeText(minimumMemory))") }
        if bytes % 4096 != 0 { throw s.refused("RAM comes in pages of 4 KiB; choose a multiple") }
        return bytes
    }

    private static func unitShift(_ letter: UInt8) -> UInt64? {
        switch letter | 0x20 {
        case 0x6B: 10
        case 0x6D: 20
        case 0x67: 30
        case 0x74: 40
        default: nil
        }
    }

    static func flag(_ s: Setting) throws(MachineError) -> Bool {
        switch s.text {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw s.refused("this is either true or false")
        }
    }

    /// Nanoseconds from seconds with at most nine decimals.
    static func duration(_ s: Setting) throws(MachineError) -> UInt64 {
        let parts = s.text.utf8.split(separator: 0x2E, maxSplits: 1, omittingEmptySubsequences: false)
        let wrong = s.refused("a time is a number of seconds above 0, such as 30 or 0.5")
        guard let first = parts.first, let seconds = parseDecimal(first), seconds <= 1_000_000_000 else { throw wrong }
        var nanoseconds = seconds * 1_000_000_000
        if parts.count == 2 {
            let fraction = parts[1]
            guard fraction.count <= 9, var value = parseDecimal(fraction) else { throw wrong }
            for _ in fraction.count..<9 { value *= 10 }
            nanoseconds += value
        }
        guard nanoseconds > 0 else { throw wrong }
        return nanoseconds
    }
}
