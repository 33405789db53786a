extension Extension {
    /// Finds an extension by its name, in upper or lower case: ISA strings don't tell them apart.
    public static func parse(_ name: String) -> Extension? {
        allCases.first { sameName($0.name, name) }
    }

    /// What a mistyped name may have meant: the closest by edit distance, if that is close.
    public static func nearest(to name: String) -> Extension? {
        let typed = name.utf8.map(lowercased)
        // One slip in four letters; more and the guess is worse than none.
        var best = max(1, (typed.count + 2) / 4) + 1
        var found: Extension?
        for candidate in allCases {
            let distance = editDistance(typed, Array(candidate.name.utf8))
            if distance < best {
                best = distance
                found = candidate
            }
        }
        return found
    }

    private var isSingleLetter: Bool { name.utf8.count == 1 }

    /// `rv64imafdch_zicbom_...`: single letters in the canonical order, then the others, each after an
    /// underscore. Linux takes the single letters in this order only.
    public static func isaString(xlen: Int, _ enabled: Extensions) -> String {
        var text = xlen == 32 ? "rv32" : "rv64"
        for one in allCases where enabled.contains(one) {
            if !one.isSingleLetter { text += "_" }
            text += one.name
        }
        return text
    }

    /// The strings of the device tree's `riscv,isa-extensions`.
    public static func names(of enabled: Extensions) -> [String] {
        var names: [String] = []
        for one in allCases where enabled.contains(one) { names.append(one.name) }
        return names
    }
}

extension Extensions {
    /// This set as an ISA string; see `Extension.isaString`.
    public func isaString(xlen: Int) -> String { Extension.isaString(xlen: xlen, self) }

    /// This set as `riscv,isa-extensions` lists it.
    public var names: [String] { Extension.names(of: self) }
}

// Byte by byte: names are ASCII, and String's own comparison would bring Unicode tables along.

private func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

private func sameName(_ name: String, _ typed: String) -> Bool {
    name.utf8.count == typed.utf8.count && zip(name.utf8, typed.utf8).allSatisfy { $0 == lowercased($1) }
}

/// How many letters have to be put in, taken out or changed to get from one to the other.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for i in 0..<left.count {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<right.count {
            let changed = diagonal + (left[i] == right[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}
