extension MachineDescription {
    /// Where the devices' interrupts go.
    package enum InterruptController: Sendable {
        case plic(PLIC)
        case aplic(APLIC)
    }

    package struct PLIC: Sendable {
        package var region: Region
        /// Highest interrupt number: `riscv,ndev`.
        package var sources: UInt32
        package init(base: UInt64, size: UInt64, sources: UInt32) {
            self.region = Region(base: base, size: size)
            self.sources = sources
        }
    }

    /// An APLIC, and the IMSICs it sends MSIs to.
    package struct APLIC: Sendable {
        /// The root domain's registers; nil without M-mode.
        package var machine: Region?
        /// The registers of the domain that devices' interrupts are delegated to, or of the only one.
        package var supervisor: Region
        /// Highest interrupt number: `riscv,num-sources`.
        package var sources: UInt32
        /// Nil when the APLIC drives the harts' interrupts itself.
        package var imsic: IMSIC?
        package init(machine: Region?, supervisor: Region, sources: UInt32, imsic: IMSIC? = nil) {
            self.machine = machine
            self.supervisor = supervisor
            self.sources = sources
            self.imsic = imsic
        }
    }

    package struct IMSIC: Sendable {
        /// All harts' machine-level files; nil without M-mode.
        package var machine: Region?
        /// All harts' supervisor-level files, each followed by its hart's guest files.
        package var supervisor: Region
        /// Highest interrupt identity: `riscv,num-ids`.
        package var identities: UInt32
        /// Bits of an address that tell a hart's supervisor-level files apart.
        package var guestIndexBits: UInt32
        package init(machine: Region?, supervisor: Region, identities: UInt32, guestIndexBits: UInt32) {
            self.machine = machine
            self.supervisor = supervisor
            self.identities = identities
            self.guestIndexBits = guestIndexBits
        }
    }
}
