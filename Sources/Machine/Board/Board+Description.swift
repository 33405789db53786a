import Boot
import ExecutionEngine
import RISCV

extension MachineDescription {
    /// Machine version rvkvm-1.0 with what the configuration says.
    package init(_ configuration: GuestConfiguration) {
        let isa = configuration.extensions
        let host = configuration.dictates
        func block(_ one: Extension, _ dictated: UInt64?) -> UInt32? {
            isa.contains(one) ? UInt32(truncatingIfNeeded: dictated ?? MachineVersion.blockSize) : nil
        }
        self.init(
            model: "rvkvm,\(MachineVersion.name)",
            ram: Region(base: MemoryMap.ramBase, size: configuration.memorySize),
            processors: Processors(
                count: configuration.cpuCount, isaString: isa.isaString(xlen: 64), isaExtensions: isa.names,
                mmuType: Self.mmuType(host.satpMode ?? MachineVersion.satpMode), cbomBlockSize: block(.zicbom, host.cbomBlockSize),
                cbozBlockSize: block(.zicboz, host.cbozBlockSize), cbopBlockSize: block(.zicbop, host.cbomBlockSize),
                timebaseFrequency: UInt32(truncatingIfNeeded: configuration.timebase)),
            interruptController: Self.interruptController(configuration),
            uart: UART(
                base: MemoryMap.uart.base, size: MemoryMap.uart.size, interrupt: MemoryMap.uart.irq,
                clockFrequency: MemoryMap.uartClock),
            rtc: Device(base: MemoryMap.rtc.base, size: MemoryMap.rtc.size, interrupt: MemoryMap.rtc.irq),
            testFinisher: Region(base: MemoryMap.testFinisher.base, size: MemoryMap.testFinisher.size),
            clint: configuration.startMode == .firmware ? Region(base: MemoryMap.clint.base, size: MemoryMap.clint.size) : nil,
            virtio: (0..<configuration.virtioDeviceCount).map { slot in
                let place = MemoryMap.virtio(slot: slot)
                return Device(base: place.base, size: place.size, interrupt: place.irq)
            },
            flash: configuration.flash.isEmpty ? [] : MemoryMap.flashBanks.map { Region(base: $0.base, size: $0.size) })
    }

    static func mmuType(_ satpMode: UInt64) -> String {
        switch satpMode {
        case 8: "riscv,sv39"
        case 9: "riscv,sv48"
        default: "riscv,sv57"
        }
    }

    private static func interruptController(_ configuration: GuestConfiguration) -> InterruptController {
        guard configuration.interrupts != .plic else {
            return .plic(PLIC(base: MemoryMap.plic.base, size: MemoryMap.plic.size, sources: MemoryMap.plicSources))
        }
        func region(_ place: MemoryMap.Place) -> Region { Region(base: place.base, size: place.size) }
        let harts = UInt64(configuration.cpuCount)
        let imsic = configuration.imsic.map { setup in
            IMSIC(
                machine: setup.machineBase.map { Region(base: $0, size: harts * 4096) },
                supervisor: Region(base: setup.supervisorBase, size: harts * setup.supervisorStride),
                identities: UInt32(setup.identities), guestIndexBits: UInt32(configuration.guestIndexBits))
        }
        return .aplic(
            APLIC(
                machine: configuration.startMode == .firmware ? region(MemoryMap.aplicMachine) : nil,
                supervisor: region(MemoryMap.aplicSupervisor), sources: MemoryMap.aplicSources, imsic: imsic))
    }
}
