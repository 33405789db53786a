import CHost
import ExecutionEngine

/// A riscv64 machine of KVM's.
final class KVMMachine: VirtualMachine {
    private let space: KVMSpace
    let cpus: [any VirtualCPU]

    init(_ setup: MachineSetup, _ system: KVMSystem) throws(EngineError) {
        let space = try KVMSpace(system, setup.memory)
        var cpus: [any VirtualCPU] = []
        for id in 0..<setup.cpuCount {
            let thread = try KVMThread(space, id: id)
            let frequency = try thread.register(.frequency)
            guard frequency == setup.timebase else {
                throw .unsupported("this host's time runs at \(frequency) Hz and KVM's guests can't have \(setup.timebase)")
            }
            try thread.setISA(setup.extensions)
            thread.hideIdentity()
            // Answered by user space; a kernel that doesn't know it yet has none to offer.
            var on: UInt64 = 1
            _ = host_kvm_set_register(thread.descriptor, RegisterID.sbiExtension(.debugConsole).rawValue, &on)
            cpus.append(KVMCPU(thread, id: id))
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

    /// There are no interrupt files.
    @discardableResult
    func sendMSI(address: UInt64, data: UInt32) -> Bool { false }

    func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        try space.addDoorbell(address: address, width: width, value: value, eventfd: eventfd)
    }

    func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        try space.removeDoorbell(address: address, width: width, value: value, eventfd: eventfd)
    }

    package func addInterruptDoorbell(eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError) { throw .unsupported("TODO") }
    package func removeInterruptDoorbell(eventfd: Int32) throws(EngineError) { throw .unsupported("TODO") }
    package func interruptFile(hart: Int, _ select: UInt64) throws(EngineError) -> UInt64 { throw .unsupported("TODO") }
    package func setInterruptFile(hart: Int, _ select: UInt64, to value: UInt64) throws(EngineError) { throw .unsupported("TODO") }
    package func moveSlot(_ slot: Int, to base: UInt64?) throws(EngineError) { throw .unsupported("TODO") }
    package func logWrites(slot: Int, _ isOn: Bool) throws(EngineError) { try space.logWrites(slot: slot, isOn) }
    package func takeWrites(slot: Int) throws(EngineError) -> [UInt64] { try space.takeWrites(slot: slot) }
}
