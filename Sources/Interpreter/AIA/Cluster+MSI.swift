import ExecutionEngine

extension Cluster {
    @discardableResult
    func sendMSI(address: UInt64, data: UInt32) -> Bool { false }
}
