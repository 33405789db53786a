import ExecutionEngine
import Interpreter
import KVMEngine
import RISCV

/// From `--engine` to an engine, or to why not.
package enum EngineSelection {
    /// What `rvkvm host` says about an engine; `obstacle` is nil when it can run guests here.
    package struct Report {
        package let name: String
        package let obstacle: String?
        /// What it dictates to its guests, a line each.
        package let dictates: [String]
    }

    @export(interface) package static func survey() -> [Report] {
        var obstacle: String?
        var dictates: [String] = []
        switch KVMProbe.run() {
        case .available:
            do throws(EngineError) { dictates = HostDifference.list(try KVMEngine.make()) } catch { obstacle = MachineError(error).message }
        case .unavailable(let why): obstacle = why
        }
        return [
            Report(name: "interpreter", obstacle: nil, dictates: []), Report(name: "kvm", obstacle: obstacle, dictates: dictates),
        ]
    }

    /// The engine that `--engine` asks for.
    @export(interface) package static func make(for configuration: GuestConfiguration) throws(MachineError) -> any Engine {
        switch (configuration.engine, KVMProbe.run()) {
        case (.interpreter, _): return InterpreterEngine.make()
        case (.auto, .available) where suitsKVM(configuration), (.kvm, .available):
            do throws(EngineError) {
                let engine = try KVMEngine.make()
                let lacksFiles = configuration.interrupts == .aia && engine.capability(.interruptFiles) == 0
                return configuration.engine == .auto && lacksFiles ? InterpreterEngine.make() : engine
            } catch { throw MachineError(error) }
        case (.auto, _): return InterpreterEngine.make()
        case (.kvm, .unavailable(let why)):
            throw MachineError(.host, "--engine kvm: \(why); --engine interpreter runs everywhere")
        }
    }

    /// The engine that `--x-move-to` names; nil for a guest that stays where it is.
    @export(interface) package static func makeOther(for configuration: GuestConfiguration) throws(MachineError) -> (any Engine)? {
        switch configuration.moveTo {
        case nil: return nil
        case .kvm:
            if case .unavailable(let why) = KVMProbe.run() { throw MachineError(.host, "--x-move-to kvm: \(why)") }
            do throws(EngineError) { return try KVMEngine.make() } catch { throw MachineError(error) }
        case .interpreter, .auto: return InterpreterEngine.make()
        }
    }

    /// Whether the guest asks for nothing that KVM has for no guest: M-mode, guests of its own, an insight into its
    /// harts. What this host's KVM lacks beside that and interrupt files is an error, since leaving the hardware would
    /// go unnoticed.
    private static func suitsKVM(_ configuration: GuestConfiguration) -> Bool {
        let trace = configuration.trace
        return configuration.startMode == .supervisor && !configuration.extensions.contains(.h)
            && trace?.traps != true && trace?.instructions != true
    }
}
