import Devices
import ExecutionEngine

/// `--trace exits`: a line for each exit, before it is answered.
final class ExitTrace: @unchecked Sendable {
    private let sink: any ByteSink

    init(_ sink: any ByteSink) { self.sink = sink }

    /// Called on the vCPU's own thread, between two runs.
    func note(_ cpu: any VirtualCPU, _ exit: Exit) {
        // Where it happened is half of what a reader wants to know.
        let pc: UInt64? = try? cpu.register(.pc)
        let text: String =
            switch exit {
            case .mmioRead(let address, let width): "mmio read \(hex(address)) width \(width)"
            case .mmioWrite(let address, let width, let value): "mmio write \(hex(address)) width \(width) value \(hex(value))"
            case .sbi(let call):
                "sbi extension \(hex(call.extensionID)) function \(call.functionID) arguments \(hex(call.a0)) \(hex(call.a1)) \(hex(call.a2))"
            case .systemEvent(.shutdown(let reason)): "shutdown reason \(reason)"
            case .systemEvent(.reset(let reason)): "reset reason \(reason)"
            case .watchedStore(let address): "watched store \(hex(address))"
            case .csr(let access): "csr \(hex(UInt64(access.number))) value \(hex(access.newValue)) mask \(hex(access.writeMask))"
            case .dirtyRingFull: "dirty ring full"
            case .entryRefused(let reason): "entry refused reason \(hex(reason))"
            case .interrupted: "interrupted"
            case .debug(let pc): "debug pc \(hex(pc))"
            case .internalError(let reason): "internal error \(reason.text)"
            }
        let line = Array("hart \(cpu.id): pc \(hex(pc ?? 0)) exit \(text)\n".utf8)
        line.withUnsafeBytes { sink.write($0) }
    }
}
