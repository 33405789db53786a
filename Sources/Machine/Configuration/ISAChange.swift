import RISCV

/// `--isa +zba,-zicond`: extensions by name, added to and removed from the model's.
enum ISAChange {
    /// Without these no guest of ours starts: the loader, the SBI and Linux itself need them.
    private static let indispensable: Extensions = [.i, .m, .a, .zicsr, .zifencei, .zicntr]

    /// What an extension can't be without, in our harts.
    private static let needs: [(Extension, Extensions)] = [
        (.d, [.f]), (.zfa, [.f]), (.zfhmin, [.f]), (.zcb, [.c]), (.zcd, [.c, .d]),
    ]

    static func apply(_ setting: Setting, to model: Extensions) throws(MachineError) -> Extensions {
        var result = model
        let known = CPUModel.standard.extensions
        for part in setting.text.utf8.split(separator: 0x2C, omittingEmptySubsequences: false) {
            guard let sign = part.first, sign == 0x2B || sign == 0x2D else {
                throw setting.refused("each extension has + or - before its name, such as +zba,-zicond")
            }
            let name = String(decoding: part.dropFirst(), as: UTF8.self)
            let one = try named(name, setting)
            if sign == 0x2B {
                guard known.contains(one) else {
                    throw setting.refused("the interpreter doesn't implement \(one.name) in this release")
                }
                result.insert(one)
            } else {
                if indispensable.contains(one) { throw setting.refused("a guest can't do without \(one.name)") }
                result.remove(one)
            }
        }
        for (one, others) in needs where result.contains(one) && !result.isSuperset(of: others) {
            for other in Extension.allCases where others.contains(other) && !result.contains(other) {
                throw setting.refused("\(one.name) needs \(other.name); remove both or neither")
            }
        }
        return result
    }

    private static func named(_ name: String, _ setting: Setting) throws(MachineError) -> Extension {
        let wanted = lowercasedBytes(name)
        var names: [String] = []
        for one in Extension.allCases {
            if Array(one.name.utf8) == wanted { return one }
            // A single letter is one edit away from every other: no suggestion.
            if one.name.utf8.count > 1 { names.append(one.name) }
        }
        throw setting.refused("there is no extension \(quoted(name))" + didYouMean(name, among: names))
    }
}
