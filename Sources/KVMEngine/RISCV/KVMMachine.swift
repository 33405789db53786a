import CHost
import ExecutionEngine

/// A riscv64 machine of KVM's.
final class KVMMachine: VirtualMachine {
    private let space: KVMSpace
    let cpus: [any VirtualCPU]
    private let files: KVMInterruptFiles?

    init(_ setup: MachineSetup, _ system: KVMSystem) throws(EngineError) {
        let space = try KVMSpace(system, setup.memory, ringSize: setup.dirtyRing)
        var cpus: [any VirtualCPU] = []
        for id in 0..<setup.cpuCount {
            let thread = try KVMThread(space, id: id)
            let frequency = try thread.register(.frequency)
            guard frequency == setup.timebase else {
                throw .unsupported("this host's time runs at \(frequency) Hz and KVM's guests can't have \(setup.timebase)")
            }
            try thread.setISA(setup.extensions)
            thread.hideIdentity()
            if setup.imsic != nil, !system.wakesAnywhere { thread.core = UInt32(truncatingIfNeeded: id) }
            cpus.append(KVMCPU(thread, id: id))
        }
        if let imsic = setup.imsic {
            files = try KVMInterruptFiles(imsic, space, count: cpus.count)
        } else {
            files = nil
        }
        self.space = space
        self.cpus = cpus
    }

    /// KVM shows exits alone.
    var inspector: (any Inspector)? { nil }
    var machineLevel: (any MachineLevel)? { nil }

    func watchStores(to address: UInt64) throws(EngineError) {
        throw .unsupported("the kernel file has a test's mailbox (tohost), and KVM's guests store to memory unseen; use --engine interpreter")
    }

    // MARK: Memory

    func moveSlot(_ slot: Int, to base: UInt64?) throws(EngineError) { try space.moveSlot(slot, to: base) }
    func logWrites(slot: Int, _ isOn: Bool) throws(EngineError) { try space.logWrites(slot: slot, isOn) }
    func takeWrites(slot: Int) throws(EngineError) -> [UInt64] { try space.takeWrites(slot: slot) }

    // MARK: Doorbells

    func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        try space.addDoorbell(address: address, width: width, value: value, eventfd: eventfd)
    }

    func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        try space.removeDoorbell(address: address, width: width, value: value, eventfd: eventfd)
    }

    // MARK: Interrupt files

    @discardableResult
    func sendMSI(address: UInt64, data: UInt32) -> Bool { files?.send(address: address, data: data) ?? false }

    func addInterruptDoorbell(eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError) {
        try present().addDoorbell(eventfd: eventfd, address: address, data: data)
    }

    func removeInterruptDoorbell(eventfd: Int32) throws(EngineError) { try present().removeDoorbell(eventfd: eventfd) }

    func interruptFile(hart: Int, _ select: UInt64) throws(EngineError) -> UInt64 { try present().register(hart: hart, select) }

    func setInterruptFile(hart: Int, _ select: UInt64, to value: UInt64) throws(EngineError) {
        try present().setRegister(hart: hart, select, to: value)
    }

    private func present() throws(EngineError) -> KVMInterruptFiles {
        guard let files else { throw .unsupported("this machine has no interrupt files") }
        return files
    }
}
