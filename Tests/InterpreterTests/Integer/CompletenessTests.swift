import Interpreter
import RISCV
import Testing

@Suite("Every instruction has its cases")
struct CompletenessTests {
    @Test("32-bit instructions of the model")
    func instructions() {
        let covered = Set(integerCases.keys).union(memoryInstructions).union(atomicInstructions)
            .union(controlInstructions).union(systemInstructions).union(AccessMatrixTests.guarded)
        var missing: [Instruction] = []
        var counted = 0
        for instruction in Instruction.allCases where instruction != .illegal {
            guard InterpreterEngine.extensions.isSuperset(of: instruction.encoding.required) else { continue }
            // Those on f registers have theirs in Float/, handler by handler; their loads and stores are here.
            if instruction.flags.contains(.isFP), !instruction.flags.contains(.isLoad), !instruction.flags.contains(.isStore) { continue }
            counted += 1
            if !covered.contains(instruction) { missing.append(instruction) }
        }
        #expect(missing.isEmpty, "without a case: \(missing)")
        #expect(counted > 150)
    }

    @Test("16-bit instructions of the model")
    func compressed() {
        let covered = Set(compressedCases.map(\.encoding) + compressedElsewhere)
        var missing: [Encoding] = []
        for encoding in Encoding.allCases where encoding.required.contains(.c) {
            if InterpreterEngine.extensions.isSuperset(of: encoding.required), !covered.contains(encoding) { missing.append(encoding) }
        }
        #expect(missing.isEmpty, "without a case: \(missing)")
    }
}
