import ExecutionEngine
import Interpreter
import KVMEngine

/// From `--engine` to an engine, or to why not.
package enum EngineSelection {
    /// What `rvkvm host` says about an engine; `obstacle` is nil when it can run guests here.
    package struct Report {
        package let name: String
        package let obstacle: String?
    }

    package static func survey() -> [Report] {
        let obstacle: String? =
            switch KVMProbe.run() {
            case .available: nil
            case .unavailable(let why): why
            }
        return [Report(name: "interpreter", obstacle: nil), Report(name: "kvm", obstacle: obstacle)]
    }

    package static func make(_ choice: EngineChoice) throws(MachineError) -> any Engine {
        switch choice {
        case .auto, .interpreter:
            return InterpreterEngine()
        case .kvm:
            switch KVMProbe.run() {
            // A host that could run the guest, and a build that can't yet: saying so beats running it elsewhere.
            case .available:
                throw MachineError(.host, "--engine kvm: this build has no engine for /dev/kvm; --engine interpreter runs everywhere")
            case .unavailable(let why): throw MachineError(.host, "--engine kvm: \(why); --engine interpreter runs everywhere")
            }
        }
    }
}
