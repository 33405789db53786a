import Devices
import ExecutionEngine
import GuestMemory

/// Answers the SBI calls that user space answers: the legacy console and the debug console (SBI 3.0,
/// chapters 5 and 12). They share the UART's two ends.
struct SBIConsole {
    let memory: GuestMemory
    let output: any ByteSink
    let input: ConsoleInput

    static let notSupported = ExitAnswer.sbi(error: -2, value: 0)
    static let invalidParameter = ExitAnswer.sbi(error: -3, value: 0)

    private static let legacyPutchar: UInt64 = 1
    private static let legacyGetchar: UInt64 = 2
    private static let debugConsole: UInt64 = 0x4442_434E

    /// A call moves no more than this; the rest is the guest's to ask for again (12.1: "may be less").
    private static let most: UInt64 = 4096

    func answer(_ call: SBICall) -> ExitAnswer {
        switch (call.extensionID, call.functionID) {
        // A legacy call has no function id: whatever a6 holds.
        case (Self.legacyPutchar, _):
            put(UInt8(truncatingIfNeeded: call.a0))
            return .sbi(error: 0, value: 0)
        case (Self.legacyGetchar, _):
            return .sbi(error: input.take(1).first.map { Int64($0) } ?? -1, value: 0)
        case (Self.debugConsole, 0): return write(call)
        case (Self.debugConsole, 1): return read(call)
        case (Self.debugConsole, 2):
            put(UInt8(truncatingIfNeeded: call.a0))
            return .sbi(error: 0, value: 0)
        default: return Self.notSupported
        }
    }

    private func put(_ byte: UInt8) { withUnsafeBytes(of: byte) { output.write($0) } }

    private func write(_ call: SBICall) -> ExitAnswer {
        guard call.a0 > 0 else { return .sbi(error: 0, value: 0) }
        guard let start = buffer(call) else { return Self.invalidParameter }
        let count = min(call.a0, Self.most)
        output.write(UnsafeRawBufferPointer(start: start, count: Int(count)))
        return .sbi(error: 0, value: count)
    }

    private func read(_ call: SBICall) -> ExitAnswer {
        guard call.a0 > 0 else { return .sbi(error: 0, value: 0) }
        guard buffer(call) != nil else { return Self.invalidParameter }
        let bytes = input.take(Int(min(call.a0, Self.most)))
        do throws(GuestMemoryError) {
            try memory.write(bytes, at: call.a1)
        } catch {
            return Self.invalidParameter
        }
        return .sbi(error: 0, value: UInt64(bytes.count))
    }

    /// The guest's buffer: a0 bytes at a2:a1, all of them RAM.
    private func buffer(_ call: SBICall) -> UnsafeMutableRawPointer? {
        guard call.a2 == 0 else { return nil }
        return memory.pointer(call.a1, count: call.a0)
    }
}
