import CHost
import EngineConformance
import ExecutionEngine
import Interpreter
import KVMEngine

/// The suite as a program for riscv64 Linux: `rvkvm-conformance ENGINE [PATTERN [SECONDS]]` runs the cases whose name
/// contains the pattern on one engine, each for so long at most. A line a case, and one that counts them. With `list`
/// instead of an engine it names the cases.
@c(main) public func main(_ count: Int32, _ words: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
    _ = host_standard_descriptors()
    host_signal_ignore_pipe()
    var arguments: [String] = []
    for place in 1..<max(1, Int(count)) {
        if let word = words[place] { arguments.append(String(cString: word)) }
    }
    let status = run(arguments)
    host_exit(status)
    return status
}

private func run(_ arguments: [String]) -> Int32 {
    if arguments == ["list"] {
        for one in ConformanceCase.all() { say("case " + one.name) }
        return 0
    }
    guard let name = arguments.first, arguments.count <= 3, let engine = makeEngine(name) else {
        say("usage: rvkvm-conformance list | interpreter|kvm [PATTERN [SECONDS]]")
        return 2
    }
    let pattern = arguments.count > 1 ? Array(arguments[1].utf8) : []
    let seconds = arguments.count > 2 ? UInt64(arguments[2]) ?? 60 : 60
    var ok = 0, failed = 0, skipped = 0, faulty = 0
    for one in ConformanceCase.all() where contains(Array(one.name.utf8), pattern) {
        switch one.perform(on: engine, seconds: seconds) {
        case .ok:
            ok += 1
            say("ok " + one.name)
        case .failed(let text):
            failed += 1
            say("FAIL " + one.name + ": " + text)
        case .skipped(let capability):
            skipped += 1
            say("skip " + one.name + ": " + capability)
        case .kernelFault(let fault):
            faulty += 1
            say("kernel " + one.name + ": " + fault)
        }
    }
    say("conformance: \(ok) ok, \(failed) failed, \(skipped) skipped, \(faulty) with a known fault of the kernel's")
    return failed == 0 && ok > 0 ? 0 : 1
}

private func makeEngine(_ name: String) -> (any Engine)? {
    switch Array(name.utf8) {
    case Array("interpreter".utf8): return InterpreterEngine.make()
    case Array("kvm".utf8):
        do throws(EngineError) {
            return try KVMEngine.make()
        } catch {
            say("/dev/kvm can't be used")
            return nil
        }
    default: return nil
    }
}

private func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard part.count <= text.count else { return false }
    for start in 0...(text.count - part.count) where text[start..<(start + part.count)].elementsEqual(part) { return true }
    return false
}

private func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    bytes.withUnsafeBytes { if let base = $0.baseAddress { _ = host_write_patiently(1, base, $0.count) } }
}
