import ExecutionEngine

/// The groups of ONE_REG that only KVM has; `RegisterID` has the harts' own.
extension RegisterID {
    private static let riscv64: UInt64 = 0x8030_0000_0000_0000

    /// CONFIG: 0 isa, 1 zicbom_block_size, 5 zicboz_block_size, 6 satp_mode.
    static func config(_ index: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x01 << 24 | index) }
    static let zicbomBlockSize = config(1)
    static let zicbozBlockSize = config(5)
    static let satpMode = config(6)
    /// TIMER: 0 frequency.
    static let frequency = timer(0)
    /// ISA_EXT, single: 1 while the guest has the extension.
    static func isaExtension(_ number: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x07 << 24 | number) }
    /// SBI_EXT, single: 1 while the guest has it. 9 is DBCN.
    static func sbiExtension(_ number: UInt64) -> RegisterID { .init(rawValue: riscv64 | 0x08 << 24 | number) }
    static let debugConsole = sbiExtension(9)
}
