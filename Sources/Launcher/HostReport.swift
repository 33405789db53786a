import CHost
import Machine

/// `rvkvm host`: what this machine offers, line by line.
package enum HostReport {
    package static func print() {
        for engine in EngineSelection.survey() {
            let state = if let reason = engine.obstacle { "not available: \(reason)" } else { "available" }
            Message.print("engine \(engine.name): \(state)")
            for line in engine.dictates { Message.print(line) }
        }
        Message.print("cores: \(host_core_count())")
        Message.print("memory: \(host_memory_total() >> 20) MiB")
        for model in CPUModel.all {
            Message.print("cpu \(model.name)@\(model.version): \(model.isaString)")
        }
    }
}
