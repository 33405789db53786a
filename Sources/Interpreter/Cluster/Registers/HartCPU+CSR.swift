import ExecutionEngine
import RISCV

// CSR: the general ones, and Smstateen's. The AIA's stand in a file of their own.
extension HartCPU {
    /// The order of Linux's `struct kvm_riscv_csr`.
    private static let general: [CSR] = [
        .sstatus, .sie, .stvec, .sscratch, .sepc, .scause, .stval, .sip, .satp, .scounteren, .senvcfg,
    ]

    /// CSRs come in subtypes.
    private enum Subtype {
        static let general: UInt64 = 0
        static let interrupts: UInt64 = 1
        static let stateEnable: UInt64 = 2
    }

    var csrList: [RegisterID] {
        var list = Self.general.indices.map { RegisterID.csr(UInt64($0)) }
        if hart.extensions.contains(.ssaia) { list += interruptList }
        if hart.extensions.contains(.smstateen) { list.append(.sstateen0) }
        return list
    }

    func csr(_ id: RegisterID) throws(EngineError) -> UInt64 {
        switch id.subtype {
        case Subtype.general:
            guard id.index < UInt64(Self.general.count) else { break }
            let name = Self.general[Int(id.index)]
            if name == .sip { return hart.transferredPending }
            if let value = hart.readCSR(name) { return value }
        case Subtype.interrupts: return try interruptCSR(id)
        case Subtype.stateEnable where id == .sstateen0 && hart.extensions.contains(.smstateen):
            return hart.readStateEnable(.sstateen0) ?? 0
        default: break
        }
        throw Self.missing(id)
    }

    func setCSR(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        switch id.subtype {
        case Subtype.general:
            guard id.index < UInt64(Self.general.count) else { break }
            switch Self.general[Int(id.index)] {
            case .sip: hart.setTransferredPending(value)
            case .satp:
                _ = hart.writeCSR(.satp, value)
                // What the tables say may have changed as well.
                hart.emptyTranslations()
                hart.refreshRegime()
            case let name: _ = hart.writeCSR(name, value)
            }
            return
        case Subtype.interrupts: return try setInterruptCSR(id, value)
        case Subtype.stateEnable where id == .sstateen0 && hart.extensions.contains(.smstateen):
            _ = hart.writeStateEnable(.sstateen0, value)
            return
        default: break
        }
        throw Self.missing(id)
    }
}

extension Hart {
    /// sip as ONE_REG carries it: what software, other harts and the wire have made pending. What follows from a timer
    /// or from interrupt files isn't in it, as it isn't under KVM; without Sstc KVM's timer makes STIP pending like
    /// the others.
    fileprivate var transferredPending: UInt64 {
        let now = readCSR(.sip) ?? 0
        var kept = InterruptSet.supervisorSoftware | InterruptSet.counterOverflow
        if !extensions.contains(.sstc) { kept |= InterruptSet.supervisorTimer }
        return now & kept | (signals.supervisorWire ? InterruptSet.supervisorExternal : 0)
    }

    /// STIP follows compare, which is carried over with it.
    fileprivate func setTransferredPending(_ value: UInt64) {
        _ = writeCSR(.sip, value)
        signals.setSupervisorExternal(value & InterruptSet.supervisorExternal != 0, byWire: true)
    }
}
