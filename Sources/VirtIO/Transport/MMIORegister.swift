import Devices

/// Offsets of the control registers (virtio 1.2, 4.2.2, table 4.1).
enum MMIORegister {
    static let magicValue: UInt64 = 0x000
    static let version: UInt64 = 0x004
    static let deviceID: UInt64 = 0x008
    static let vendorID: UInt64 = 0x00C
    static let deviceFeatures: UInt64 = 0x010
    static let deviceFeaturesSelect: UInt64 = 0x014
    static let driverFeatures: UInt64 = 0x020
    static let driverFeaturesSelect: UInt64 = 0x024
    static let queueSelect: UInt64 = 0x030
    static let queueSizeMax: UInt64 = 0x034
    static let queueSize: UInt64 = 0x038
    static let queueReady: UInt64 = 0x044
    static let queueNotify: UInt64 = 0x050
    static let interruptStatus: UInt64 = 0x060
    static let interruptACK: UInt64 = 0x064
    static let status: UInt64 = 0x070
    static let queueDescLow: UInt64 = 0x080
    static let queueDescHigh: UInt64 = 0x084
    static let queueDriverLow: UInt64 = 0x090
    static let queueDriverHigh: UInt64 = 0x094
    static let queueDeviceLow: UInt64 = 0x0A0
    static let queueDeviceHigh: UInt64 = 0x0A4
    static let sharedMemorySelect: UInt64 = 0x0AC
    static let sharedMemoryLengthLow: UInt64 = 0x0B0
    static let sharedMemoryLengthHigh: UInt64 = 0x0B4
    static let sharedMemoryBaseLow: UInt64 = 0x0B8
    static let sharedMemoryBaseHigh: UInt64 = 0x0BC
    static let configGeneration: UInt64 = 0x0FC
    static let configuration: UInt64 = 0x100

    /// "virt".
    static let magic: UInt32 = 0x7472_6976
    /// "QEMU": kernels for its `virt` board, xv6 among them, look for this one.
    static let vendor: UInt32 = 0x554D_4551
}

/// Bits of the device status (virtio 1.2, 2.1).
enum DeviceStatus {
    static let acknowledge: UInt32 = 1
    static let driver: UInt32 = 2
    static let driverOK: UInt32 = 4
    static let featuresOK: UInt32 = 8
    static let needsReset: UInt32 = 64
    static let failed: UInt32 = 128
}

/// A virtio-mmio slot without a device: it has the magic value and the device ID 0, and drivers pass it over
/// (4.2.2, DeviceID).
package final class EmptySlot: MMIODevice {
    package init() {}

    package func read(offset: UInt64, width: Int) -> UInt64 {
        RegisterAccess.read(offset: offset, width: width) { register in
            switch register {
            case MMIORegister.magicValue: MMIORegister.magic
            case MMIORegister.version: 2
            case MMIORegister.vendorID: MMIORegister.vendor
            default: 0
            }
        }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {}
}
