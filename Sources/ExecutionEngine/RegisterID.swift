/// A ONE_REG id of Linux's `arch/riscv/include/uapi/asm/kvm.h`:
/// 0x8000… | size | type << 24 | subtype << 16 | index.
package struct RegisterID: Equatable, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// What a register is about: bits 24 to 31.
    package enum Group: UInt64, Sendable {
        case config = 0x01, core = 0x02, csr = 0x03, timer = 0x04, float = 0x05, double = 0x06, isaExtension = 0x07
        case sbiExtension = 0x08, vector = 0x09, sbiState = 0x0A
    }

    /// The id of a register of `size` bytes: a power of two up to 256.
    package init(_ group: Group, subtype: UInt64 = 0, _ index: UInt64, size: Int = 8) {
        let log = UInt64(truncatingIfNeeded: size.trailingZeroBitCount)
        rawValue = 0x8000_0000_0000_0000 | (log & 0xF) << 52 | group.rawValue << 24 | (subtype & 0xFF) << 16 | index & 0xFFFF
    }

    /// Nil for a number that no group has.
    package var group: Group? { Group(rawValue: type) }
    package var type: UInt64 { rawValue >> 24 & 0xFF }
    package var subtype: UInt64 { rawValue >> 16 & 0xFF }
    package var index: UInt64 { rawValue & 0xFFFF }
    /// Bytes: 1 to 32768.
    package var size: Int { 1 << Int(rawValue >> 52 & 0xF) }
    /// Bits 60 to 63 say RISC-V, and those between the size and the type are 0.
    package var isWellFormed: Bool { rawValue >> 60 == 8 && rawValue >> 56 & 0xF == 0 && rawValue >> 32 & 0xF_FFFF == 0 }
}

/// The registers, by group; numbers are Linux's.
extension RegisterID {
    /// CONFIG: 0 isa, 1 zicbom_block_size, 2 mvendorid, 3 marchid, 4 mimpid, 5 zicboz_block_size, 6 satp_mode.
    package static func config(_ index: UInt64) -> RegisterID { .init(.config, index) }
    package static let isa = config(0)
    package static let zicbomBlockSize = config(1)
    package static let mvendorid = config(2)
    package static let marchid = config(3)
    package static let mimpid = config(4)
    package static let zicbozBlockSize = config(5)
    package static let satpMode = config(6)

    /// CORE: pc is index 0, x1 to x31 are their numbers, `mode` (1 S, 0 U) is 32.
    package static func core(_ index: UInt64) -> RegisterID { .init(.core, index) }
    package static let pc = core(0)
    package static let a0 = core(10)
    package static let a1 = core(11)
    package static let a2 = core(12)
    package static let mode = core(32)

    /// CSR, general: sstatus, sie, stvec, sscratch, sepc, scause, stval, sip, satp, scounteren, senvcfg.
    package static func csr(_ index: UInt64) -> RegisterID { .init(.csr, index) }
    /// CSR, AIA: siselect, iprio1, iprio2, sieh, siph, iprio1h, iprio2h.
    package static func aiaCSR(_ index: UInt64) -> RegisterID { .init(.csr, subtype: 1, index) }
    /// CSR, Smstateen.
    package static let sstateen0 = RegisterID(.csr, subtype: 2, 0)

    /// TIMER: frequency, time, compare, state (1 while a compare is set).
    package static func timer(_ index: UInt64) -> RegisterID { .init(.timer, index) }
    package static let frequency = timer(0)
    package static let time = timer(1)
    package static let timerCompare = timer(2)
    package static let timerState = timer(3)

    /// FP_F: f0 to f31 of 4 bytes, for harts without D.
    package static func single(_ index: UInt64) -> RegisterID { .init(.float, index, size: 4) }
    package static let singleStatus = RegisterID(.float, 32, size: 4)
    /// FP_D: f0 to f31.
    package static func fp(_ index: UInt64) -> RegisterID { .init(.double, index) }
    /// FP_D: fcsr.
    package static let fcsr = RegisterID(.double, 32, size: 4)

    /// ISA_EXT, single: 1 while the guest has the extension. `ExtensionNumber` has the numbers.
    package static func isaExtension(_ number: UInt64) -> RegisterID { .init(.isaExtension, number) }
    /// ISA_EXT: 64 extensions at once, read and, by the bits that are set, switched on (`on`) or off.
    package static func isaExtensions(_ word: UInt64, on: Bool) -> RegisterID { .init(.isaExtension, subtype: on ? 1 : 2, word) }
    /// SBI_EXT, single: 1 while the guest has it. `SBIExtensionNumber` has the numbers.
    package static func sbiExtension(_ number: SBIExtensionNumber) -> RegisterID { .init(.sbiExtension, number.rawValue) }
    /// SBI_EXT: 64 at once, as with `isaExtensions`.
    package static func sbiExtensions(_ word: UInt64, on: Bool) -> RegisterID { .init(.sbiExtension, subtype: on ? 1 : 2, word) }
    /// SBI_STATE, STA: 0 and 1 are the low and the high half of the shared memory's address; all ones for none.
    package static func stealTime(_ index: UInt64) -> RegisterID { .init(.sbiState, index) }
}

/// Linux's numbers of SBI extensions: enum KVM_RISCV_SBI_EXT_ID of its asm/kvm.h, where the order is ABI.
package enum SBIExtensionNumber: UInt64, CaseIterable, Sendable {
    /// Version 0.1's calls, all of them.
    case legacy = 0
    case time, ipi, rfence, srst, hsm, pmu
    /// The spaces that user space answers: experimental and vendor extensions.
    case experimental, vendor
    case debugConsole, stealTime, systemSuspend, firmwareFeatures
}
