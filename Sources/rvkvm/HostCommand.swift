import ArgumentParser
import CHost
import KVMEngine
import Machine

/// `rvkvm host`: what this machine offers.
struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "Tells what this machine offers: engines, cores, memory.")

    func run() {
        let kvm: String =
            switch KVMProbe.run() {
            case .available: "available"
            case .unavailable(let why): "not available: \(why)"
            }
        Message.print("engine interpreter: available")
        Message.print("engine kvm: \(kvm)")
        Message.print("cores: \(host_core_count())")
        Message.print("memory: \(host_memory_total() >> 20) MiB")
        for model in CPUModel.all {
            Message.print("cpu \(model.name)@\(model.version): \(model.isaString)")
        }
    }
}
