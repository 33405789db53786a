import CHost
import ExecutionEngine

/// How a case ended.
package enum Verdict: Equatable, Sendable {
    case ok
    case failed(String)
    /// The engine lacks what stands there, by its own word.
    case skipped(String)
    /// All is well but for a fault of the kernel's that is known by this name.
    case kernelFault(String)
}

extension ConformanceCase {
    /// Runs the case on a thread of its own. After `seconds` every vCPU of its machines is kicked until it ends; one
    /// that doesn't end within ten more is given up, and its thread left behind.
    @export(interface) package func perform(on engine: any Engine, seconds: UInt64 = 60) -> Verdict {
        for one in needs where engine.capability(one) == 0 { return .skipped(one.label) }
        let bench = Bench(engine)
        let body = body
        let worker = Worker { () throws(ConformanceFailure) in try body(bench) }
        if !worker.wait(seconds: seconds) {
            bench.expire()
            for _ in 0..<100 where !worker.wait(milliseconds: 100) { bench.expire() }
            guard worker.isDone else { return .failed("hangs, and ignores kicks") }
            return .failed("hangs: " + (worker.failure?.text ?? "it ended after a kick"))
        }
        let failure = worker.failure
        guard bench.end() else { return .failed((failure?.text ?? "all is well") + ", but a vCPU goes on in spite of kicks") }
        guard let failure else { return .ok }
        if let fault = failure.fault, engine.name == "kvm" { return .kernelFault(fault.label) }
        return .failed(failure.text)
    }
}

extension Capability {
    /// The name that a skipped case gives as its reason.
    package var label: String {
        switch self {
        case .processors: "processors"
        case .memorySlots: "memorySlots"
        case .guestAddressBits: "guestAddressBits"
        case .readOnlyMemory: "readOnlyMemory"
        case .doorbells: "doorbells"
        case .interruptFiles: "interruptFiles"
        case .interruptDoorbells: "interruptDoorbells"
        case .dirtyRing: "dirtyRing"
        case .debugging: "debugging"
        case .firmware: "firmware"
        }
    }
}
