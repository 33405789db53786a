import Devices
import ExecutionEngine

/// The interrupt controller's wire into a hart's M-mode.
final class MachineExternalInterrupt: InterruptLine, @unchecked Sendable {
    private let level: any MachineLevel
    private let hart: Int

    init(_ level: any MachineLevel, hart: Int) {
        self.level = level
        self.hart = hart
    }

    func set(_ level: Bool) { self.level.setInterrupt(.external, hart: hart, level) }
}

/// The interrupt controller's wire into a hart's S-mode: its supervisor external interrupt.
final class HartInterrupt: InterruptLine {
    private let socket: ProcessorSocket
    private let hart: Int

    init(_ socket: ProcessorSocket, hart: Int) {
        self.socket = socket
        self.hart = hart
    }

    func set(_ level: Bool) { socket.setExternalInterrupt(hart: hart, level) }
}
