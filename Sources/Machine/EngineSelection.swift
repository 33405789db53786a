import ExecutionEngine
import Interpreter
import KVMEngine

/// From `--engine` to an engine, or to why not.
package enum EngineSelection {
    package static func make(_ choice: EngineChoice) throws(MachineError) -> any Engine {
        switch choice {
        case .auto, .interpreter:
            return InterpreterEngine()
        case .kvm:
            switch KVMProbe.run() {
            case .available: return InterpreterEngine()
            case .unavailable(let why): throw MachineError(.host, "--engine kvm: \(why); --engine interpreter runs everywhere")
            }
        }
    }
}
