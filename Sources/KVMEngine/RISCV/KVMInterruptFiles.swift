import CHost
import ExecutionEngine

/// The interrupt files of a machine's harts, in the kernel: its AIA device (RISC-V's `asm/kvm.h`, KVM_DEV_RISCV_AIA_*)
/// with IMSICs and no source of interrupts, so without an APLIC: that one is user space's, as on the other engine.
final class KVMInterruptFiles {
    private enum Group {
        static let config: UInt32 = 0
        static let address: UInt32 = 1
        static let control: UInt32 = 2
        static let files: UInt32 = 4
    }

    private enum Config {
        static let mode: UInt64 = 0
        static let identities: UInt64 = 1
        static let sources: UInt64 = 2
        static let groupBits: UInt64 = 3
        static let hartBits: UInt64 = 5
        static let guestBits: UInt64 = 6
    }

    /// In software altogether, or in guest files of the host's while it has free ones.
    private static let emulated: UInt32 = 0
    private static let automatic: UInt32 = 2

    let space: KVMSpace
    private let setup: IMSICSetup
    private let count: Int
    private let device: KVMDevice
    /// See `KVMInterruptFiles+Doorbells.swift`.
    let lock = KVMLock()
    /// Guarded by `lock`.
    var doorbells: [Doorbell] = []

    /// Makes files for the vCPUs 0 to `count` - 1, which exist already.
    init(_ setup: IMSICSetup, _ space: KVMSpace, count: Int) throws(EngineError) {
        try Self.check(setup)
        self.setup = setup
        self.space = space
        self.count = count
        device = try KVMDevice(space, HOST_KVM_DEVICE_RISCV_AIA, "interrupt files (KVM_DEV_TYPE_RISCV_AIA)")
        if device.set(Group.config, Config.mode, to: Self.automatic) != 0 {
            try configure("the files' mode", Config.mode, Self.emulated)
        }
        let identities = UInt32(truncatingIfNeeded: setup.identities)
        // The host's own files limit those of its guests.
        guard device.set(Group.config, Config.identities, to: identities) == 0 else {
            throw .unsupported("--irqchip aia: interrupt files have \(identities) identities, and those of this host's KVM fewer; choose --irqchip plic")
        }
        try configure("no sources of interrupts", Config.sources, 0)
        try configure("one group of harts", Config.groupBits, 0)
        try configure("the number of harts", Config.hartBits, Self.bits(UInt64(max(1, count))))
        try configure("room for guest files", Config.guestBits, Self.bits(setup.supervisorStride >> 12))
        for hart in 0..<count {
            let address = setup.supervisorBase &+ UInt64(hart) &* setup.supervisorStride
            let error = device.set(Group.address, 1 + UInt64(hart), to: address)
            guard error == 0 else { throw .kvm("hart \(hart)'s interrupt file at 0x\(String(address, radix: 16))", error) }
        }
        let error = device.act(Group.control, 0)
        guard error == 0 else { throw .kvm("KVM doesn't start interrupt files", error) }
    }

    /// Refuses what KVM's guests never have, and what no IMSIC looks like.
    private static func check(_ setup: IMSICSetup) throws(EngineError) {
        guard setup.machineBase == nil, setup.guestFiles == 0 else {
            throw .unsupported("KVM's guests have no M-mode and no guests of their own, and no interrupt files for those")
        }
        let stride = setup.supervisorStride
        guard stride.nonzeroBitCount == 1, stride >= 4096, stride <= 64 << 12, setup.supervisorBase & (stride - 1) == 0,
            setup.supervisorBase < 1 << 55
        else { throw .invalid("interrupt files lie at multiples of their size, a power of two of pages") }
        guard (63...2047).contains(setup.identities), setup.identities % 64 == 63 else {
            throw .invalid("an interrupt file has 63 to 2047 identities, one less than a multiple of 64")
        }
    }

    /// Bits of a number below `count`.
    private static func bits(_ count: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: UInt64.bitWidth - (count - 1).leadingZeroBitCount)
    }

    private func configure(_ what: String, _ attribute: UInt64, _ value: UInt32) throws(EngineError) {
        let error = device.set(Group.config, attribute, to: value)
        guard error == 0 else { throw .kvm("interrupt files: \(what)", error) }
    }

    /// Whether a hart's file has a register there.
    func hasRegister(at address: UInt64) -> Bool {
        let offset = address &- setup.supervisorBase
        return offset / setup.supervisorStride < UInt64(count) && offset % setup.supervisorStride < 4096 && address & 3 == 0
    }

    /// See `VirtualMachine.sendMSI`.
    func send(address: UInt64, data: UInt32) -> Bool {
        // KVM says yes to any address.
        guard hasRegister(at: address) else { return false }
        // It refuses identities that the file doesn't have, which a file ignores.
        _ = host_kvm_signal_msi(space.descriptor, address, data)
        return true
    }

    // MARK: The files' registers

    /// See `VirtualMachine.interruptFile`.
    func register(hart: Int, _ select: UInt64) throws(EngineError) -> UInt64 {
        let attribute = try attribute(hart, select)
        var value: UInt64 = 0
        let error = device.get(Group.files, attribute, &value)
        guard error == 0 else { throw refusal(hart, select, error) }
        return value
    }

    func setRegister(hart: Int, _ select: UInt64, to value: UInt64) throws(EngineError) {
        let attribute = try attribute(hart, select)
        let error = device.set(Group.files, attribute, to: value)
        guard error == 0 else { throw refusal(hart, select, error) }
    }

    private func attribute(_ hart: Int, _ select: UInt64) throws(EngineError) -> UInt64 {
        guard (0..<count).contains(hart) else { throw .missing("there is no hart \(hart) with an interrupt file") }
        let arrays = UInt64(setup.identities + 1) / 64 * 2
        let exists =
            switch select {
            case 0x70, 0x72: true
            case 0x80..<0xC0: select & 1 == 0 && select - 0x80 < arrays
            case 0xC0...0xFF: select & 1 == 0 && select - 0xC0 < arrays
            default: false
            }
        guard exists else { throw refusal(hart, select, KVMError.missing) }
        return UInt64(hart) << 12 | select
    }

    private func refusal(_ hart: Int, _ select: UInt64, _ error: Int32) -> EngineError {
        .kvm("register 0x\(String(select, radix: 16)) of hart \(hart)'s interrupt file", error)
    }
}
