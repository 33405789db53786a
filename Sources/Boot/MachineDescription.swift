/// What the device tree says about a machine, and where its RAM lies: the one place from which boot code
/// takes addresses. The machine's version fills it in.
package struct MachineDescription: Sendable {
    /// A stretch of guest physical addresses.
    package struct Region: Equatable, Sendable {
        package var base: UInt64
        /// Bytes.
        package var size: UInt64
        package init(base: UInt64, size: UInt64) {
            self.base = base
            self.size = size
        }
        /// First address behind it.
        package var end: UInt64 {
            let (end, overflow) = base.addingReportingOverflow(size)
            return overflow ? .max : end
        }
    }

    /// A device's registers and its interrupt at the interrupt controller.
    package struct Device: Equatable, Sendable {
        package var region: Region
        package var interrupt: UInt32
        package init(base: UInt64, size: UInt64, interrupt: UInt32) {
            self.region = Region(base: base, size: size)
            self.interrupt = interrupt
        }
    }

    /// The harts, all alike.
    package struct Processors: Sendable {
        package var count: Int
        /// `riscv,isa`, in canonical order: `rv64imafdch_zicsr_…`.
        package var isaString: String
        /// `riscv,isa-base`: `rv64i`.
        package var isaBase: String
        /// `riscv,isa-extensions`: `i`, `m`, …
        package var isaExtensions: [String]
        /// `riscv,sv39`, `riscv,sv48` or `riscv,sv57`; nil without an MMU.
        package var mmuType: String?
        /// Bytes of a cache block for Zicbom, Zicboz and Zicbop; nil without the extension.
        package var cbomBlockSize: UInt32?
        package var cbozBlockSize: UInt32?
        package var cbopBlockSize: UInt32?
        /// Frequency of `time`, in Hz.
        package var timebaseFrequency: UInt32

        package init(
            count: Int, isaString: String, isaBase: String = "rv64i", isaExtensions: [String], mmuType: String?,
            cbomBlockSize: UInt32? = nil, cbozBlockSize: UInt32? = nil, cbopBlockSize: UInt32? = nil,
            timebaseFrequency: UInt32
        ) {
            self.count = count
            self.isaString = isaString
            self.isaBase = isaBase
            self.isaExtensions = isaExtensions
            self.mmuType = mmuType
            self.cbomBlockSize = cbomBlockSize
            self.cbozBlockSize = cbozBlockSize
            self.cbopBlockSize = cbopBlockSize
            self.timebaseFrequency = timebaseFrequency
        }
    }

    package struct UART: Sendable {
        package var device: Device
        /// Input clock of the baud-rate generator, in Hz.
        package var clockFrequency: UInt32
        package init(base: UInt64, size: UInt64, interrupt: UInt32, clockFrequency: UInt32) {
            self.device = Device(base: base, size: size, interrupt: interrupt)
            self.clockFrequency = clockFrequency
        }
    }

    /// `model` of the root node: `rvkvm,rvkvm-1.0`.
    package var model: String
    /// `compatible` of the root node.
    package var compatible: [String]
    package var ram: Region
    package var processors: Processors
    package var interruptController: InterruptController
    package var uart: UART?
    package var rtc: Device?
    package var testFinisher: Region?
    /// Only a machine that runs firmware has one. A PLIC's M-mode contexts are then wired as well.
    package var clint: Region?
    package var virtio: [Device]
    /// The banks of flash memory, one behind the other; none or all of them.
    package var flash: [Region]
    /// RAM that the guest must leave alone: firmware's own.
    package var reserved: [Region]

    package init(
        model: String, compatible: [String] = ["riscv-virtio"], ram: Region, processors: Processors,
        interruptController: InterruptController, uart: UART? = nil, rtc: Device? = nil, testFinisher: Region? = nil, clint: Region? = nil,
        virtio: [Device] = [], flash: [Region] = [], reserved: [Region] = []
    ) {
        self.model = model
        self.compatible = compatible
        self.ram = ram
        self.processors = processors
        self.interruptController = interruptController
        self.uart = uart
        self.rtc = rtc
        self.testFinisher = testFinisher
        self.clint = clint
        self.virtio = virtio
        self.flash = flash
        self.reserved = reserved
    }
}
