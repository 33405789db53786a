import ExecutionEngine
import Interpreter
import RISCV

/// A named set of extensions. A model never changes once it is released: what changes gets a new version,
/// and a name without one means the newest.
package struct CPUModel: Sendable {
    package let name: String
    package let version: String
    /// What a guest sees whose engine is the SBI implementation.
    package let extensions: Extensions

    /// What a guest sees that starts in M-mode: M-mode's matters come in, and the harts set A and D from the start,
    /// as QEMU's do, since software for its `virt` board relies on that.
    package var firmwareExtensions: Extensions {
        extensions.subtracting([.svade]).union([.svadu, .smstateen, .sscofpmf])
    }

    /// The model that both engines can offer: no H, no M-mode matters.
    package static let standard = CPUModel(name: "rv64gc", version: "1.0", extensions: .rv64gc)

    func extensions(_ mode: StartMode) -> Extensions { mode == .firmware ? firmwareExtensions : extensions }

    /// The standard model with the hypervisor extension and its companions, for guests that run guests. Only the
    /// interpreter offers it.
    package static let hypervisor = CPUModel(name: "rv64gch", version: "1.0", extensions: .rv64gch)

    /// What a model may be made of and `--isa` may add.
    static var implemented: Extensions { InterpreterEngine.extensions }

    package static let all = [standard, hypervisor]

    static func named(_ setting: Setting) throws(MachineError) -> CPUModel {
        let text = setting.text
        for model in all where text == model.name || text == "\(model.name)@\(model.version)" { return model }
        let parts = text.utf8.split(separator: 0x40, maxSplits: 1)
        let base = parts.first.map { String($0) ?? "" } ?? ""
        for model in all where model.name == base {
            throw setting.refused("\(model.name) has the version \(model.version) only")
        }
        var names = ""
        for model in all { names += (names.isEmpty ? "" : ", ") + model.name }
        throw setting.refused("the processor models are \(names)")
    }
}

extension CPUModel {
    /// The model's extensions as a guest reads them.
    package var isaString: String { extensions.isaString(xlen: 64) }
}
