/// Why `VirtualCPU.run` came back: KVM's exits, as a value that costs no allocation.
package enum Exit: Equatable, Sendable {
    /// The guest loads `width` bytes (1, 2, 4, 8) from a physical address without RAM. Answer `.data`.
    case mmioRead(address: UInt64, width: Int)
    /// The guest stores the low `width` bytes of `value` to a physical address without RAM. Answer `.none`.
    case mmioWrite(address: UInt64, width: Int, value: UInt64)
    /// An SBI call that user space answers (SBI 3.0: legacy console, DBCN, experimental and vendor spaces).
    /// Answer `.sbi`.
    case sbi(SBICall)
    /// The guest asked for power-off or reset.
    case systemEvent(SystemEvent)
    /// A store to an address given to `watchStores` has been made. Answer `.none`.
    case watchedStore(address: UInt64)
    /// A kick, and nothing else, ended the run.
    case interrupted
    /// ebreak or a single step while guest debugging is on.
    case debug(pc: UInt64)
    /// The guest accesses a CSR that user space answers: `seed` (KVM_EXIT_RISCV_CSR). Answer `.csr`.
    case csr(CSRAccess)
    /// The vCPU's ring of written pages is full: `takeDirtyPages` makes room (KVM_EXIT_DIRTY_RING_FULL).
    case dirtyRingFull
    /// The hardware refuses to enter the guest, with its reason (KVM_EXIT_FAIL_ENTRY).
    case entryRefused(reason: UInt64)
    /// The vCPU can't go on; `reason` says why in the engine's own words.
    case internalError(reason: StaticText)
}

/// Text that is fixed when the program is built; unlike `StaticString` it compares.
package struct StaticText: Equatable, Sendable, CustomStringConvertible {
    package let text: String
    package init(_ text: StaticString) { self.text = "\(text)" }
    package var description: String { text }
}

/// The registers of an SBI call: extension in a7, function in a6, arguments in a0 to a5.
package struct SBICall: Equatable, Sendable {
    package var extensionID: UInt64
    package var functionID: UInt64
    package var a0, a1, a2, a3, a4, a5: UInt64

    package init(extensionID: UInt64, functionID: UInt64, a0: UInt64, a1: UInt64, a2: UInt64, a3: UInt64, a4: UInt64, a5: UInt64) {
        self.extensionID = extensionID
        self.functionID = functionID
        self.a0 = a0; self.a1 = a1; self.a2 = a2; self.a3 = a3; self.a4 = a4; self.a5 = a5
    }
}

/// An access to a CSR that isn't the engine's.
package struct CSRAccess: Equatable, Sendable {
    package var number: UInt16
    /// What the bits under `writeMask` are to become; a mere read has an empty mask.
    package var newValue: UInt64
    package var writeMask: UInt64

    package init(number: UInt16, newValue: UInt64, writeMask: UInt64) {
        self.number = number
        self.newValue = newValue
        self.writeMask = writeMask
    }
}

/// What an SBI SRST call, or the legacy shutdown call, asks for.
package enum SystemEvent: Equatable, Sendable {
    /// Power-off; `reason` is SRST's reset_reason: 0 none, 1 system failure.
    case shutdown(reason: UInt64)
    /// Cold or warm reboot; `reason` as above.
    case reset(reason: UInt64)
}

/// What user space tells the vCPU about its last exit.
package enum ExitAnswer: Equatable, Sendable {
    /// Nothing to tell: first run, after a write, or after a kick.
    case none
    /// The bytes of an MMIO read, in the low bits.
    case data(UInt64)
    /// No device took the MMIO access: it ends with an access fault. Only a machine made for firmware knows this
    /// answer; KVM has none of the kind, so under a supervisor's engine a vacant address reads 0.
    case accessFault
    /// What a CSR held before the access.
    case csr(UInt64)
    /// a0 and a1 of an SBI call. A legacy call (extension ids 0 to 8) changes a0 only.
    case sbi(error: Int64, value: UInt64)
}
