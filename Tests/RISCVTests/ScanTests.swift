import RISCV
import Testing

/// The decoder and the disassembler take whatever memory holds.
@Suite("Scans")
struct ScanTests {
    @Test("all halfwords and ten million words decode without a trap")
    func scan() {
        var legal = 0
        for word in UInt32(0)...0xffff {
            let decoded = decode(word, everything)
            if decoded.instruction != .illegal { legal += 1 }
            _ = disassemble(word, pc: 0)
            if word & 3 != 3 && decoded.length != 2 { Issue.record(Comment(rawValue: "\(hex(word))")) }
        }
        #expect(legal > 40_000)
        var random = SeededGenerator(state: 2)
        var wrong = 0
        for _ in 0..<5_000_000 {
            let two = random.next()
            for word in [UInt32(truncatingIfNeeded: two), UInt32(truncatingIfNeeded: two >> 32)] {
                let decoded = decode(word, everything)
                if decoded.rd > 31 || decoded.rs1 > 31 || decoded.rs2 > 31 || decoded.rs3 > 31 || decoded.rm > 7
                    || decoded.length != (word & 3 == 3 ? 4 : 2)
                {
                    wrong += 1
                }
            }
        }
        #expect(wrong == 0)
    }

    @Test("a legal word fits one line of the table only, special cases aside, and one finds it")
    func againstTheRows() {
        // The rows carry mask and value from the table: a linear search is an independent decoder.
        var random = SeededGenerator(state: 3)
        var long = tableRows.filter { $0.length == 4 }
        long.sort { $0.mask.nonzeroBitCount > $1.mask.nonzeroBitCount }
        var hits = 0
        for _ in 0..<20_000 {
            let word = UInt32(truncatingIfNeeded: random.next()) | 3
            let found = long.first { word & $0.mask == $0.value }
            let got = decode(word, everything).instruction
            let mode = word >> 12 & 7
            let badMode = found?.operands.contains("rm") == true && (mode == 5 || mode == 6)
            #expect(got == (badMode ? .illegal : found?.instruction ?? .illegal), "\(hex(word))")
            if found != nil { hits += 1 }
        }
        #expect(hits > 1000)
    }
}
