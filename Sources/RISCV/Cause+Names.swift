extension Exception {
    /// What the privileged specification's table of causes calls it (3.1.15).
    public var name: String {
        switch self {
        case .instructionAddressMisaligned: "instruction address misaligned"
        case .instructionAccessFault: "instruction access fault"
        case .illegalInstruction: "illegal instruction"
        case .breakpoint: "breakpoint"
        case .loadAddressMisaligned: "load address misaligned"
        case .loadAccessFault: "load access fault"
        case .storeAddressMisaligned: "store/AMO address misaligned"
        case .storeAccessFault: "store/AMO access fault"
        case .ecallFromU: "environment call from U-mode"
        case .ecallFromS: "environment call from S-mode"
        case .ecallFromVS: "environment call from VS-mode"
        case .ecallFromM: "environment call from M-mode"
        case .instructionPageFault: "instruction page fault"
        case .loadPageFault: "load page fault"
        case .storePageFault: "store/AMO page fault"
        case .doubleTrap: "double trap"
        case .softwareCheck: "software check"
        case .hardwareError: "hardware error"
        case .instructionGuestPageFault: "instruction guest-page fault"
        case .loadGuestPageFault: "load guest-page fault"
        case .virtualInstruction: "virtual instruction"
        case .storeGuestPageFault: "store/AMO guest-page fault"
        }
    }
}

extension Interrupt {
    public var name: String {
        switch self {
        case .supervisorSoftware: "supervisor software interrupt"
        case .virtualSupervisorSoftware: "virtual supervisor software interrupt"
        case .machineSoftware: "machine software interrupt"
        case .supervisorTimer: "supervisor timer interrupt"
        case .virtualSupervisorTimer: "virtual supervisor timer interrupt"
        case .machineTimer: "machine timer interrupt"
        case .supervisorExternal: "supervisor external interrupt"
        case .virtualSupervisorExternal: "virtual supervisor external interrupt"
        case .machineExternal: "machine external interrupt"
        case .supervisorGuestExternal: "supervisor guest external interrupt"
        case .counterOverflow: "counter overflow interrupt"
        }
    }
}
