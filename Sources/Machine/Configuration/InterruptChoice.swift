import ExecutionEngine
import RISCV

/// What `--irqchip` names.
package enum InterruptChoice: Equatable, Sendable {
    case plic
    /// An APLIC that drives the harts' interrupts itself.
    case aplic
    /// An APLIC that sends MSIs, and IMSICs to take them.
    case aia

    package static let names = ["plic", "aplic", "aia"]

    init(_ setting: Setting) throws(MachineError) {
        switch setting.text {
        case "plic": self = .plic
        case "aplic": self = .aplic
        case "aia": self = .aia
        default:
            throw setting.refused("the interrupt controllers are plic, aplic and aia" + didYouMean(setting.text, among: Self.names))
        }
    }

    /// What it adds to a model: the harts' part of the advanced interrupt architecture.
    func extensions(_ mode: StartMode) -> Extensions {
        guard self != .plic else { return [] }
        return mode == .firmware ? [.smaia, .ssaia] : [.ssaia]
    }

    /// Interrupt files are of no use without the CSRs that lead to them.
    func check(_ extensions: Extensions, _ mode: StartMode) throws(MachineError) {
        guard self == .aia else { return }
        let missing = self.extensions(mode).subtracting(extensions)
        guard let name = missing.names.first else { return }
        throw MachineError(.usage, "--irqchip aia: interrupt files are reached through \(name), which --isa takes away; leave it in, or take --irqchip aplic")
    }
}
