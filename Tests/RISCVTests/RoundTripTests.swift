import RISCV
import Testing

/// Every line of the table, encoded with operands at their edges, decodes into the same operands.
@Suite("Encode and decode")
struct RoundTripTests {
    @Test("every line of the table round-trips")
    func roundTrip() {
        var random = SeededGenerator(state: 1)
        var checked = 0
        for row in tableRows {
            for operand in row.operands {
                for value in edges(of: operand, in: row) {
                    checked += check(row, setting: operand, to: value, &random)
                }
            }
            for _ in 0..<100 { checked += check(row, setting: nil, to: 0, &random) }
        }
        #expect(tableRows.count == Encoding.allCases.count - 1)
        #expect(checked > 50_000)
    }

    @Test("an instruction's own line is a 32-bit one that stands for it")
    func instructionAndEncoding() {
        for instruction in Instruction.allCases {
            #expect(instruction.encoding.instruction == instruction)
        }
        for row in tableRows {
            #expect(row.encoding.instruction == row.instruction)
            #expect("\(row.encoding.mnemonic)" == row.mnemonic)
        }
    }

    @Test("an instruction is illegal when any of its extensions is off")
    func gating() {
        for row in tableRows {
            let word = row.value | (row.zeroIsReserved ? 1 << 6 : 0) | (row.reserved.contains(0) ? 0x2a4 : 0)
            guard decode(word, everything).instruction == row.instruction else { continue }
            #expect(decode(word, row.required).instruction == row.instruction, "\(row.mnemonic)")
            for one in Extension.allCases where row.required.contains(one) {
                let without = decode(word, everything.subtracting(Extensions(one)))
                #expect(without.instruction == (row.mnemonic == "pause" ? .fence : .illegal), "\(row.mnemonic)")
            }
        }
    }

    private func check(
        _ row: TableRow, setting operand: String?, to value: Int32, _ random: inout SeededGenerator
    ) -> Int {
        var want = Decoded(row.instruction, length: row.length)
        for name in row.operands {
            let chosen = name == operand ? value : edges(of: name, in: row).randomElement(using: &random)!
            want.set(name, chosen)
        }
        for (name, constant) in row.fixed { want.set(name, constant) }
        for (name, other) in row.follows { want.set(name, want.register(other)) }
        let word = encode(row.encoding, want)
        let got = decode(word, everything)
        #expect(word & row.mask == row.value, "\(row.mnemonic) \(hex(word))")
        #expect(got == want, "\(row.mnemonic) \(hex(word))")
        if row.length == 4 && row.instruction.encoding == row.encoding {
            let same = encode(
                row.instruction, rd: want.rd, rs1: want.rs1, rs2: want.rs2, rs3: want.rs3, imm: want.imm,
                rm: want.rm, aqrl: want.aqrl)
            #expect(same == word)
        }
        return 1
    }

    private func edges(of operand: String, in row: TableRow) -> [Int32] {
        switch operand {
        case "rm": return [0, 1, 2, 3, 4, 7]
        case "aqrl": return [0, 1, 2, 3]
        case "imm":
            var values = [row.low, row.low + row.step, row.high - row.step, row.high]
            for bit in 0..<31 {
                for value in [Int32(1) << bit, -(Int32(1) << bit)]
                where value >= row.low && value <= row.high && value % row.step == 0 {
                    values.append(value)
                }
            }
            // A fence with these bits is another line's.
            return values.filter { !(row.zeroIsReserved && $0 == 0) && !(row.mnemonic == "fence" && $0 == 0x010) }
        default:
            let numbers: ClosedRange<UInt8> = operand.hasSuffix("'") ? 8...15 : 0...31
            return numbers.filter { !row.reserved.contains($0) }.map(Int32.init)
        }
    }
}

extension Decoded {
    fileprivate mutating func set(_ operand: String, _ value: Int32) {
        switch operand.prefix(while: { $0 != "'" }) {
        case "rd": rd = UInt8(value)
        case "rs1": rs1 = UInt8(value)
        case "rs2": rs2 = UInt8(value)
        case "rs3": rs3 = UInt8(value)
        case "rm": rm = UInt8(value)
        case "aqrl": aqrl = UInt8(value)
        default: imm = value
        }
    }

    fileprivate func register(_ operand: String) -> Int32 {
        switch operand {
        case "rd": Int32(rd)
        case "rs1": Int32(rs1)
        case "rs2": Int32(rs2)
        default: Int32(rs3)
        }
    }
}
