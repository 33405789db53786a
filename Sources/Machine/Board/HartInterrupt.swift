import Devices
import ExecutionEngine

/// The PLIC's wire into a hart: its supervisor external interrupt.
final class HartInterrupt: InterruptLine, @unchecked Sendable {
    private let cpu: any VirtualCPU

    init(_ cpu: any VirtualCPU) { self.cpu = cpu }

    func set(_ level: Bool) { cpu.setExternalInterrupt(level) }
}
