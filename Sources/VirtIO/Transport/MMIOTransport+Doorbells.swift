import ExecutionEngine

extension MMIOTransport {
    /// Has the engine signal the queues' eventfds itself when a guest stores to QueueNotify, with the transport
    /// at `base`. For all queues at once and before any vCPU runs, so that nothing changes while harts do. An
    /// engine without doorbells is none the worse: notifications then come over the bus.
    package func connectDoorbells(to machine: any VirtualMachine, base: UInt64) throws(EngineError) {
        for (index, doorbell) in doorbells.enumerated() {
            do throws(EngineError) {
                try machine.addDoorbell(
                    address: base &+ MMIORegister.queueNotify, width: 4, value: UInt64(index), eventfd: doorbell)
            } catch {
                if case .unsupported = error { return }
                throw error
            }
        }
    }
}
