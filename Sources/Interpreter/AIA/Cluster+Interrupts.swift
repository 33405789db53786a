import ExecutionEngine
import RISCV

// What user space does with interrupt files besides MSIs.
extension Cluster {
    package func addInterruptDoorbell(eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError) {
        guard let interruptDoorbells else { throw Self.noFiles }
        try interruptDoorbells.add(eventfd, address: address, data: data)
    }

    package func removeInterruptDoorbell(eventfd: Int32) throws(EngineError) {
        guard let interruptDoorbells else { throw .missing("this descriptor delivers no interrupt") }
        try interruptDoorbells.remove(eventfd)
    }

    package func interruptFile(hart: Int, _ select: UInt64) throws(EngineError) -> UInt64 {
        let files = try files(of: hart, select)
        return files.change(InterruptFiles.supervisor, select, .write, 0, writes: false)
    }

    package func setInterruptFile(hart: Int, _ select: UInt64, to value: UInt64) throws(EngineError) {
        let files = try files(of: hart, select)
        _ = files.change(InterruptFiles.supervisor, select, .write, value, writes: true)
        harts[hart].fileChanged(InterruptFiles.supervisor)
    }

    private func files(of hart: Int, _ select: UInt64) throws(EngineError) -> InterruptFiles {
        if interruptPages == nil { throw Self.noFiles }
        guard hart >= 0, hart < harts.count, let files = harts[hart].files else { throw .missing("there is no hart \(hart)") }
        guard files.hasState(select) else { throw .missing("an interrupt file has no register \(hexText(select)) here") }
        return files
    }

    private static var noFiles: EngineError { .unsupported("this machine has no interrupt files") }
}
