import ExecutionEngine
import RISCV

// ISA_EXT: by Linux's number, and 64 at once. What the engine doesn't implement isn't there.
extension HartCPU {
    var isaExtensionList: [RegisterID] {
        (0..<UInt64(ExtensionNumber.count)).filter { named($0) != nil }.map { RegisterID.isaExtension($0) }
    }

    func isaExtension(_ id: RegisterID) throws(EngineError) -> UInt64 {
        switch id.subtype {
        case 0:
            guard let one = named(id.index) else { break }
            return hart.extensions.contains(one) ? 1 : 0
        case 1, 2:
            guard let numbers = Bitmap.numbers(of: id.index, count: ExtensionNumber.count) else { break }
            var word: UInt64 = 0
            for number in numbers {
                if let one = named(number), hart.extensions.contains(one) { word |= 1 &<< (number & 63) }
            }
            return id.subtype == 1 ? word : ~word
        default: break
        }
        throw Self.missing(id)
    }

    func setISAExtension(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        switch id.subtype {
        case 0:
            guard let one = named(id.index) else { break }
            return try choose(one, value)
        case 1, 2:
            guard let numbers = Bitmap.numbers(of: id.index, count: ExtensionNumber.count) else { break }
            // As KVM does: what can't be switched is passed over.
            for number in numbers where value &>> (number & 63) & 1 != 0 {
                guard let one = named(number), hart.mayChoose(one), !hart.hasRun else { continue }
                hart.choose(one, id.subtype == 1)
            }
            return
        default: break
        }
        throw Self.missing(id)
    }

    /// By Linux's number; nil for what this engine doesn't have.
    private func named(_ number: UInt64) -> Extension? {
        guard let one = ExtensionNumber.known(number), InterpreterEngine.extensions.contains(one) else { return nil }
        return one
    }

    private func choose(_ one: Extension, _ value: UInt64) throws(EngineError) {
        if value == (hart.extensions.contains(one) ? 1 : 0) { return }
        if hart.hasRun { throw Self.late }
        guard value <= 1 else { throw .invalid("an extension is there (1) or not (0)") }
        guard hart.mayChoose(one) else { throw .invalid("the machine's model decides about the extension \(one.name)") }
        hart.choose(one, value == 1)
    }
}

/// The words of registers that have a bit for each of many things.
enum Bitmap {
    /// The numbers that word `index` of such a bitmap stands for; nil for a word past the last.
    static func numbers(of index: UInt64, count: Int) -> Range<UInt64>? {
        guard index < UInt64((count + 63) / 64) else { return nil }
        return index &* 64..<min(index &* 64 &+ 64, UInt64(count))
    }
}
