import Devices
import ExecutionEngine

/// Where an engine's machine is plugged into the board. The interrupt controller's wires and messages end here, so
/// that one machine can take another's place while the devices go on.
///
/// Any thread may have an interrupt pass. What else there is belongs to the thread that stops and starts the vCPUs.
final class ProcessorSocket: @unchecked Sendable {
    /// Nests inside the interrupt controllers' locks, and outside whatever a vCPU has.
    private let lock = Lock()
    // Changed with the lock held.
    private(set) var machine: any VirtualMachine
    private(set) var cpus: [any VirtualCPU]
    /// By hart: the level of its supervisor external interrupt, which no register tells.
    private var levels: [Bool]

    init(_ machine: any VirtualMachine) {
        self.machine = machine
        cpus = machine.cpus
        levels = [Bool](repeating: false, count: cpus.count)
    }

    func setExternalInterrupt(hart: Int, _ level: Bool) {
        lock.withLock {
            guard hart >= 0, hart < cpus.count else { return }
            levels[hart] = level
            cpus[hart].setExternalInterrupt(level)
        }
    }

    func sendMSI(address: UInt64, data: UInt32) {
        lock.withLock { _ = machine.sendMSI(address: address, data: data) }
    }

    /// Puts `new` with its vCPUs in the place of the machine that is there, once `prepare` has given them the guest's
    /// state. Interrupts wait meanwhile and find the new machine, or, when `prepare` fails, the old one as it was.
    func replace(
        by new: any VirtualMachine, _ harts: [any VirtualCPU], _ prepare: () throws(MachineError) -> Void
    ) throws(MachineError) {
        try lock.withLock { () throws(MachineError) in
            try prepare()
            machine = new
            cpus = harts
            // Low is what a new one has; where MSIs come in, its engine sees to the rest.
            for (cpu, level) in zip(cpus, levels) where level { cpu.setExternalInterrupt(true) }
        }
    }
}
