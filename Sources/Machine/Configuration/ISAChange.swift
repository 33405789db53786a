import RISCV

/// `--isa +zba,-zicond`: extensions by name, added to and removed from the model's, left to right.
///
/// What an extension needs comes with it, and what can't be without one goes with it: `-f` takes d along.
enum ISAChange {
    /// Supervisor mode itself is made of these.
    private static let indispensable: Extensions = [.i, .zicsr]

    static func apply(_ setting: Setting, to model: Extensions) throws(MachineError) -> Extensions {
        var result = model
        for part in setting.text.utf8.split(separator: 0x2C, omittingEmptySubsequences: false) {
            guard let sign = part.first, sign == 0x2B || sign == 0x2D else {
                throw setting.refused("each extension has + or - before its name, such as +zba,-zicond")
            }
            let name = String(decoding: part.dropFirst(), as: UTF8.self)
            guard let one = Extension.parse(name) else {
                // A single letter is one slip away from every other: no guess.
                let near = name.utf8.count > 1 ? Extension.nearest(to: name) : nil
                let guess = if let near { "; did you mean \(near.name)?" } else { "" }
                throw setting.refused("there is no extension \(quoted(name))" + guess)
            }
            if sign == 0x2B {
                guard CPUModel.implemented.contains(one) else { throw setting.refused(notImplemented(one)) }
                add(one, to: &result)
            } else {
                guard !indispensable.contains(one) else { throw setting.refused("a guest can't do without \(one.name)") }
                result.remove(one)
                while let (orphan, _) = result.missingRequirement { result.remove(orphan) }
            }
        }
        return result
    }

    /// The change that makes `wanted` of `base`; empty for none.
    static func text(from base: Extensions, to wanted: Extensions) -> String {
        var text = ""
        for one in Extension.allCases where base.contains(one) != wanted.contains(one) {
            text += (text.isEmpty ? "" : ",") + (wanted.contains(one) ? "+" : "-") + one.name
        }
        return text
    }

    /// Says so, with the nearest name among those that are.
    private static func notImplemented(_ one: Extension) -> String {
        let near = one.name.utf8.count > 1 ? nearestName(to: one.name, among: CPUModel.implemented.names) : nil
        let guess = if let near { "; the nearest that is, by name, is \(near)" } else { "" }
        return "\(one.name) isn't implemented in this release" + guess
    }

    private static func add(_ one: Extension, to result: inout Extensions) {
        result.insert(one)
        for other in Extension.allCases where one.requirements.contains(other) && !result.contains(other) {
            add(other, to: &result)
        }
    }
}
