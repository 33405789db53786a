import CHost
import Devices
import GuestMemory

/// Why a transport can't be made.
package enum TransportError: Error, Equatable {
    /// The host refused an eventfd; `errno` as it gave it.
    case noDoorbell(errno: Int32)
}

/// One virtio device on the bus: virtio-mmio, version 2 (virtio 1.2, 4.2).
///
/// Every register access takes the transport's lock, and the device's methods are called with it held. Only
/// notifications don't: they go straight to the queue's eventfd.
///
/// RING_RESET and shared-memory regions aren't offered: QueueReset reads 0, the regions' lengths read as absent.
package final class MMIOTransport: MMIODevice, @unchecked Sendable {
    let device: any VirtIODevice
    let memory: GuestMemory
    let offered: UInt64
    let interrupts: InterruptState
    /// By queue. They stay the same through resets, as the engine knows them.
    let doorbells: [Int32]

    private let lock = Lock()
    // Guarded by `lock`.
    var status: UInt32 = 0
    var accepted: UInt64 = 0
    var deviceFeaturesSelect: UInt32 = 0
    var driverFeaturesSelect: UInt32 = 0
    var queueSelect: UInt32 = 0
    var queues: [QueueRegisters]
    /// Of the queues made ready since the last reset.
    var interrupt: SessionInterrupt
    var session: MMIOSession?
    var isShutDown = false

    /// - Parameters:
    ///   - transportFeatures: what to offer beside the device's features; VERSION_1 always is
    package init(
        device: any VirtIODevice, memory: GuestMemory, line: any InterruptLine,
        transportFeatures: UInt64 = TransportFeature.all
    ) throws(TransportError) {
        self.device = device
        self.memory = memory
        offered = device.features | transportFeatures & TransportFeature.all | TransportFeature.version1
        interrupts = InterruptState(line: line)
        interrupt = SessionInterrupt(interrupts)
        queues = device.queueSizes.map(QueueRegisters.init)
        var descriptors: [Int32] = []
        for _ in queues {
            let descriptor = host_eventfd()
            guard descriptor >= 0 else {
                for open in descriptors { host_close(open) }
                throw .noDoorbell(errno: -descriptor)
            }
            descriptors.append(descriptor)
        }
        doorbells = descriptors
    }

    deinit {
        for doorbell in doorbells { host_close(doorbell) }
    }

    /// Stops the device for good: the machine ends or is built anew. From then on the registers show a device
    /// that was reset and stays so.
    package func shutDown() {
        lock.withLock {
            isShutDown = true
            reset()
        }
    }

    package func read(offset: UInt64, width: Int) -> UInt64 {
        lock.withLock {
            if offset >= MMIORegister.configuration {
                return device.readConfiguration(offset: offset &- MMIORegister.configuration, width: width)
            }
            return RegisterAccess.read(offset: offset, width: width, readRegister)
        }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        if offset == MMIORegister.queueNotify, width == 4 {
            // Bits above the low half belong to NOTIFICATION_DATA, which isn't offered.
            let queue = Int(truncatingIfNeeded: value & 0xFFFF_FFFF)
            if queue < doorbells.count { host_eventfd_signal(doorbells[queue]) }
            return
        }
        lock.withLock {
            if offset >= MMIORegister.configuration {
                device.writeConfiguration(offset: offset &- MMIORegister.configuration, width: width, value: value)
            } else {
                RegisterAccess.write(offset: offset, width: width, value: value, writeRegister)
            }
        }
    }
}
