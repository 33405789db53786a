/// A ONE_REG id of Linux's `arch/riscv/include/uapi/asm/kvm.h`:
/// 0x8000… | size | type << 24 | subtype << 16 | index.
package struct RegisterID: Equatable, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    private static let riscv64: UInt64 = 0x8030_0000_0000_0000

    /// CORE: pc is index 0, x1 to x31 are their numbers, `mode` (1 S, 0 U) is 32.
    package static func core(_ index: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x02 << 24 | index) }
    package static let pc = core(0)
    package static let a0 = core(10)
    package static let a1 = core(11)
    package static let a2 = core(12)
    package static let mode = core(32)
    /// CSR, general: sstatus, sie, stvec, sscratch, sepc, scause, stval, sip, satp, scounteren, senvcfg.
    package static func csr(_ index: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x03 << 24 | index) }
    /// TIMER: frequency, time, compare, state.
    package static func timer(_ index: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x04 << 24 | index) }
    /// FP_D: f0 to f31.
    package static func fp(_ index: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x06 << 24 | index) }

    package var type: UInt64 { rawValue >> 24 & 0xFF }
    package var index: UInt64 { rawValue & 0xFFFF }
}
