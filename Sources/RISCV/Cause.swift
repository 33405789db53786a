/// Synchronous exceptions as `scause` numbers them (privileged specification, "Supervisor Cause
/// Register" and, for the hypervisor extension, "Trap Cause Codes").
public enum Exception: UInt64, CaseIterable, Sendable {
    case instructionAddressMisaligned = 0
    case instructionAccessFault = 1
    case illegalInstruction = 2
    case breakpoint = 3
    case loadAddressMisaligned = 4
    case loadAccessFault = 5
    /// Also of atomics, like every "store" here.
    case storeAddressMisaligned = 6
    case storeAccessFault = 7
    case ecallFromU = 8
    case ecallFromS = 9
    case ecallFromVS = 10
    case ecallFromM = 11
    case instructionPageFault = 12
    case loadPageFault = 13
    case storePageFault = 15
    case doubleTrap = 16
    case softwareCheck = 18
    case hardwareError = 19
    case instructionGuestPageFault = 20
    case loadGuestPageFault = 21
    case virtualInstruction = 22
    case storeGuestPageFault = 23
}

/// Interrupts as `scause` and the bits of `sip` number them (privileged specification, "Machine
/// Interrupt Registers" and "Hypervisor Interrupt Registers").
public enum Interrupt: UInt64, CaseIterable, Sendable {
    case supervisorSoftware = 1
    case virtualSupervisorSoftware = 2
    case machineSoftware = 3
    case supervisorTimer = 5
    case virtualSupervisorTimer = 6
    case machineTimer = 7
    case supervisorExternal = 9
    case virtualSupervisorExternal = 10
    case machineExternal = 11
    case supervisorGuestExternal = 12
    /// Local counter overflow (Sscofpmf).
    case counterOverflow = 13

    /// Its bit in the registers ip, ie and ideleg of any mode.
    @inline(__always)
    public var mask: UInt64 { 1 &<< rawValue }
}

extension Interrupt {
    /// The bit of an RV64 cause register that tells an interrupt from an exception.
    public static var causeBit: UInt64 { 1 << 63 }
}
