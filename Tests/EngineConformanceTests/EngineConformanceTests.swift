import EngineConformance
import ExecutionEngine
import Interpreter
import KVMEngine
import Testing

/// The contract of the boundary, on every engine that this host has.
@Suite(.serialized) struct EngineConformanceTests {
    /// A case of the suite, by the name under which a failure is found again.
    struct Named: CustomTestStringConvertible, Sendable {
        let one: ConformanceCase
        var testDescription: String { one.name }
    }

    static let cases = ConformanceCase.all().map(Named.init)

    @Test(arguments: cases) func interpreter(_ one: Named) {
        report(one.one.perform(on: InterpreterEngine.make()))
    }

    @Test(.enabled(if: KVMProbe.run() == .available, "there is no KVM for riscv64 here"), arguments: cases)
    func kvm(_ one: Named) throws {
        report(one.one.perform(on: try KVMEngine.make(), seconds: 300))
    }

    private func report(_ verdict: Verdict) {
        switch verdict {
        case .ok: break
        case .failed(let text): Issue.record("\(text)")
        case .skipped(let capability): print("skipped without \(capability)")
        case .kernelFault(let fault): print("a known fault of the kernel's: \(fault)")
        }
    }

    @Test func namesDiffer() {
        #expect(Set(Self.cases.map(\.one.name)).count == Self.cases.count)
    }
}
