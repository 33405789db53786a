import ExecutionEngine
import RISCV

/// Sets of extensions as KVM's registers ISA_EXT_EN and ISA_EXT_DIS have them: bit n % 64 of word n / 64.
extension ExtensionNumber {
    static var wordCount: Int { (names.count + 63) / 64 }

    static func name(_ number: UInt64) -> String {
        number < UInt64(names.count) ? "\(names[Int(number)])" : "extension \(number)"
    }

    /// By number; nil for what no processor model of ours has. Looked up once.
    private static let byNumber: [Extension?] = names.map { Extension.parse("\($0)") }

    static func number(of one: Extension) -> UInt64? {
        for (number, other) in byNumber.enumerated() where other == one { return UInt64(number) }
        return nil
    }

    /// The bits of `word` for `wanted`.
    static func word(_ word: Int, of wanted: Extensions) -> UInt64 {
        var bits: UInt64 = 0
        for bit in 0..<64 where word * 64 + bit < byNumber.count {
            if let one = byNumber[word * 64 + bit], wanted.contains(one) { bits |= 1 << UInt64(bit) }
        }
        return bits
    }

    /// The extensions that the bits of `word` stand for.
    static func extensions(_ bits: UInt64, word: Int) -> Extensions {
        var found = Extensions()
        for bit in 0..<64 where bits >> UInt64(bit) & 1 != 0 && word * 64 + bit < byNumber.count {
            if let one = byNumber[word * 64 + bit] { found.insert(one) }
        }
        return found
    }
}
