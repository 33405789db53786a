import Devices
import ExecutionEngine
import RISCV

/// What devices' interrupts go through on their way to the harts, as `--irqchip` says.
enum InterruptController {
    case plic(PLIC)
    case aplic(APLIC)

    init(_ configuration: GuestConfiguration, _ socket: ProcessorSocket) {
        switch configuration.interrupts {
        case .plic: self = .plic(Self.makePLIC(socket))
        case .aplic: self = .aplic(Self.makeAPLIC(socket))
        case .aia: self = .aplic(Self.makeAPLIC(socket, configuration))
        }
    }

    /// The line into the source that a device's place names.
    func line(_ place: MemoryMap.Place) -> any InterruptLine {
        let line: (any InterruptLine)? =
            switch self {
            case .plic(let plic): plic.line(source: Int(place.irq))
            case .aplic(let aplic): aplic.line(source: Int(place.irq))
            }
        return line ?? UnconnectedLine()
    }

    /// What of it is on the bus, and where.
    var regions: [(device: any MMIODevice, place: MemoryMap.Place)] {
        switch self {
        case .plic(let plic): [(plic, MemoryMap.plic)]
        case .aplic(let aplic):
            aplic.domains.map { ($0, $0.level == .machine ? MemoryMap.aplicMachine : MemoryMap.aplicSupervisor) }
        }
    }

    /// Context 2h is hart h's M-mode, which leads nowhere without firmware; 2h + 1 is its S-mode.
    private static func makePLIC(_ socket: ProcessorSocket) -> PLIC {
        var wires: [(any InterruptLine)?] = []
        for hart in socket.cpus.indices {
            if let level = socket.machine.machineLevel {
                wires.append(MachineExternalInterrupt(level, hart: hart))
            } else {
                wires.append(nil)
            }
            wires.append(HartInterrupt(socket, hart: hart))
        }
        return PLIC(wires: wires)
    }

    /// In direct delivery mode; a hart's index is its id.
    private static func makeAPLIC(_ socket: ProcessorSocket) -> APLIC {
        let supervisor = APLIC.Delivery.direct(wires: socket.cpus.indices.map { HartInterrupt(socket, hart: $0) })
        guard let level = socket.machine.machineLevel else { return APLIC(machine: nil, supervisor: supervisor) }
        let wires: [any InterruptLine] = socket.cpus.indices.map { MachineExternalInterrupt(level, hart: $0) }
        return APLIC(machine: .direct(wires: wires), supervisor: supervisor)
    }

    /// In MSI delivery mode. Firmware sets the addresses; without any they are as if it had.
    private static func makeAPLIC(_ socket: ProcessorSocket, _ configuration: GuestConfiguration) -> APLIC {
        let messages = APLIC.Delivery.messages(to: IMSICMessages(socket))
        let guestIndexBits = configuration.guestIndexBits
        guard configuration.startMode == .supervisor else {
            return APLIC(machine: messages, supervisor: messages, guestIndexBits: guestIndexBits)
        }
        // As many as 64 harts need.
        let addresses = APLIC.MessageAddresses(
            supervisorBase: MemoryMap.imsicSupervisor, strideBits: 12 + guestIndexBits, hartIndexBits: 6)
        return APLIC(machine: nil, supervisor: messages, addresses: addresses, guestIndexBits: guestIndexBits)
    }
}

/// The APLIC's way to the engine's interrupt files.
private final class IMSICMessages: MessageReceiver {
    private let socket: ProcessorSocket

    init(_ socket: ProcessorSocket) { self.socket = socket }

    func send(address: UInt64, data: UInt32) { socket.sendMSI(address: address, data: data) }
}

extension GuestConfiguration {
    /// Bits of an address that tell a hart's supervisor-level file from its guest files: room for all, and for none
    /// without H.
    var guestIndexBits: Int { extensions.contains(.h) ? 3 : 0 }

    /// The interrupt files that the engine is to have.
    var imsic: IMSICSetup? {
        guard interrupts == .aia else { return nil }
        return IMSICSetup(
            supervisorBase: MemoryMap.imsicSupervisor, supervisorStride: 4096 << UInt64(guestIndexBits),
            machineBase: startMode == .firmware ? MemoryMap.imsicMachine : nil,
            guestFiles: extensions.contains(.h) ? MemoryMap.imsicGuestFiles : 0, identities: MemoryMap.imsicIdentities)
    }
}
