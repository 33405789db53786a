import ExecutionEngine

// SBI_STATE: STA's shared memory (arch/riscv/kvm/vcpu_sbi_sta.c), while there is STA. On RV64 the low half is all of the
// address, and all ones stand for none.
extension HartCPU {
    var sbiStateList: [RegisterID] { hasStealTime ? [.stealTime(0), .stealTime(1)] : [] }

    private var hasStealTime: Bool { cluster.answersSBI && hart.sbiExtensions[.stealTime] }

    func sbiState(_ id: RegisterID) throws(EngineError) -> UInt64 {
        guard hasStealTime else { throw Self.missing(id) }
        switch id {
        case .stealTime(0): return hart.stealTime.address ?? ~0
        case .stealTime(1): return 0
        default: throw Self.missing(id)
        }
    }

    func setSBIState(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        guard hasStealTime else { throw Self.missing(id) }
        switch id {
        case .stealTime(0):
            guard value == ~0 || value & 63 == 0 else { throw .invalid("STA's shared memory lies at a multiple of 64") }
            hart.stealTime = value == ~0 ? StealTime() : StealTime(goingOnAt: value)
        case .stealTime(1): guard value == 0 else { throw .invalid("STA's shared memory lies below 2^64") }
        default: throw Self.missing(id)
        }
    }
}
