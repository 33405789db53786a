import ExecutionEngine
import RISCV

extension HartCPU {
    package func register(_ id: RegisterID) throws(EngineError) -> UInt64 {
        let s = hart.state
        switch (id.type, id.index) {
        case (2, 0): return s.pointee.pc
        case (2, 1...31): return hart.raw.x(Int(id.index))
        case (2, 32): return s.pointee.mode == .user ? 0 : 1
        case (3, 0...10):
            guard let value = hart.supervisorCSR(id.index) else { break }
            return value
        case (4, 0): return hart.cluster.timebase
        case (4, 1): return hart.cluster.time
        case (4, 2): return s.pointee.stimecmp
        case (4, 3): return s.pointee.stimecmp == ~0 ? 0 : 1
        case (6, 0...31): return hart.raw.f(Int(id.index))
        default: break
        }
        throw .missing("no such register")
    }

    package func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError) {
        let s = hart.state
        switch (id.type, id.index) {
        case (2, 0): s.pointee.pc = value & ~1
        case (2, 1...31): hart.raw.setX(Int(id.index), value)
        case (2, 32):
            hart.setVirtual(false)
            s.pointee.mode = value & 1 == 0 ? .user : .supervisor
            hart.refreshRegime()
        case (3, 0...10): guard hart.setSupervisorCSR(id.index, value) else { throw .missing("no such register") }
        case (4, 0): guard value == hart.cluster.timebase else { throw .invalid("the frequency is fixed") }
        case (4, 2):
            s.pointee.stimecmp = value
            hart.updateTimer()
        case (6, 0...31): hart.raw.setF(Int(id.index), value)
        default: throw .missing("no such register")
        }
    }
}

extension Hart {
    /// The order of Linux's `struct kvm_riscv_csr`.
    private static let generalCSRs: [CSR] = [
        .sstatus, .sie, .stvec, .sscratch, .sepc, .scause, .stval, .sip, .satp, .scounteren, .senvcfg,
    ]

    fileprivate func supervisorCSR(_ index: UInt64) -> UInt64? {
        index < UInt64(Self.generalCSRs.count) ? readCSR(Self.generalCSRs[Int(index)]) : nil
    }

    fileprivate func setSupervisorCSR(_ index: UInt64, _ value: UInt64) -> Bool {
        index < UInt64(Self.generalCSRs.count) && writeCSR(Self.generalCSRs[Int(index)], value)
    }
}
