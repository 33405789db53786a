import ExecutionEngine
import RISCV

/// Sets of extensions as KVM's registers ISA_EXT_EN and ISA_EXT_DIS have them: bit n % 64 of word n / 64.
extension ExtensionNumber {
    static var wordCount: Int { (count + 63) / 64 }

    static func name(_ number: UInt64) -> String {
        number < UInt64(count) ? "\(all[Int(number)].name)" : "extension \(number)"
    }

    static func number(of one: Extension) -> UInt64? {
        for number in 0..<count where all[number].extension == one { return UInt64(number) }
        return nil
    }

    /// The bits of `word` for `wanted`.
    static func word(_ word: Int, of wanted: Extensions) -> UInt64 {
        var bits: UInt64 = 0
        for bit in 0..<UInt64(64) {
            if let one = known(UInt64(word) * 64 + bit), wanted.contains(one) { bits |= 1 << bit }
        }
        return bits
    }

    /// The extensions that the bits of `word` stand for.
    static func extensions(_ bits: UInt64, word: Int) -> Extensions {
        var found = Extensions()
        for bit in 0..<UInt64(64) where bits >> bit & 1 != 0 {
            if let one = known(UInt64(word) * 64 + bit) { found.insert(one) }
        }
        return found
    }
}
