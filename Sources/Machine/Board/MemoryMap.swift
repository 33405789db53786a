/// Where things are in guest physical memory: machine version `rvkvm-1.0` (PLATFORM.md; the addresses of
/// QEMU's `virt` board).
package enum MemoryMap {
    /// One device's place on the bus.
    package struct Place: Equatable, Sendable {
        package let base: UInt64
        package let size: UInt64
        /// Source of the interrupt controller, 0 for none.
        package let irq: UInt32
    }

    package static let testFinisher = Place(base: 0x0010_0000, size: 0x1000, irq: 0)
    package static let rtc = Place(base: 0x0010_1000, size: 0x1000, irq: 11)
    /// In firmware mode only.
    package static let clint = Place(base: 0x0200_0000, size: 0x1_0000, irq: 0)
    package static let plic = Place(base: 0x0C00_0000, size: 0x60_0000, irq: 0)
    /// The APLIC's machine-level domain, in firmware mode only; it has the PLIC's place.
    package static let aplicMachine = Place(base: 0x0C00_0000, size: 0x8000, irq: 0)
    package static let aplicSupervisor = Place(base: 0x0D00_0000, size: 0x8000, irq: 0)
    package static let uart = Place(base: 0x1000_0000, size: 0x100, irq: 10)
    package static let virtioSlots = 32
    /// Slots that are there in firmware mode even when nothing is in them.
    package static let virtioSlotsAlways = 8
    /// A virtio-mmio slot, 0 to 31. The first eight are QEMU's, with its interrupts; those of the rest come after
    /// the other devices'.
    package static func virtio(slot: Int) -> Place {
        let n = UInt32(truncatingIfNeeded: max(0, min(slot, virtioSlots - 1)))
        return Place(base: 0x1000_1000 + UInt64(n) * 0x1000, size: 0x1000, irq: n < 8 ? 1 + n : 8 + n)
    }
    /// Where firmware starts, and where it keeps its variables.
    package static let flashBanks = [
        Place(base: 0x2000_0000, size: 32 << 20, irq: 0), Place(base: 0x2200_0000, size: 32 << 20, irq: 0),
    ]
    /// IMSICs: one file a hart in firmware mode, and one with room for guest files behind it.
    package static let imsicMachine: UInt64 = 0x2400_0000
    package static let imsicSupervisor: UInt64 = 0x2800_0000
    package static let ramBase: UInt64 = 0x8000_0000

    /// PLIC sources, numbered from 1.
    package static let plicSources: UInt32 = 95
    /// APLIC sources, numbered from 1.
    package static let aplicSources: UInt32 = 96
    /// Identities of an interrupt file, numbered from 1.
    package static let imsicIdentities = 255
    /// Guest files of a hart with H.
    package static let imsicGuestFiles = 7
    package static let uartClock: UInt32 = 3_686_400
    package static let timebase: UInt64 = 10_000_000
}
