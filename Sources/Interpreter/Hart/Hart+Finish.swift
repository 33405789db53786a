import ExecutionEngine
import RISCV

extension Hart {
    /// Completes the instruction that the last exit left open.
    func finish(_ answer: ExitAnswer) {
        let open = unfinished
        unfinished = .nothing
        switch open {
        case .nothing: return
        case .store(let address, let length):
            if answer == .accessFault { return fault(.storeAccessFault, address) }
            state.pointee.pc &+= length
            state.pointee.retired &+= 1
        case .load(let kind, let rd, let address, let length):
            if answer == .accessFault { return fault(.loadAccessFault, address) }
            // An answer that isn't data reads as zero, as KVM's run structure would.
            var bits: UInt64 = 0
            if case .data(let data) = answer { bits = data }
            complete(kind, rd, bits)
            state.pointee.pc &+= length
            state.pointee.retired &+= 1
        case .csr(let rd, let length):
            var bits: UInt64 = 0
            if case .csr(let value) = answer { bits = value }
            raw.setX(rd, bits)
            state.pointee.pc &+= length
            state.pointee.retired &+= 1
        case .sbi(let legacy):
            state.pointee.pc &+= Self.ecallLength
            if case .sbi(let error, let value) = answer {
                raw.setX(10, UInt64(bitPattern: error))
                if !legacy { raw.setX(11, value) }
            } else {
                raw.setX(10, UInt64(bitPattern: SBI.Result.notSupported.error))
            }
        }
    }

    /// Ends the run with a call that user space answers, made by an ecall that `pc` is behind.
    func leave(_ call: Exit, legacy: Bool = false) -> Int {
        state.pointee.pc &-= Self.ecallLength
        unfinished = .sbi(legacy: legacy)
        exit = call
        return Stop.exit
    }

    private static var ecallLength: UInt64 { 4 }

    /// `pc` is still that of the load or store, and the details of the trap are noted.
    private func fault(_ cause: Exception, _ address: UInt64) {
        state.pointee.trapCause = cause.rawValue
        state.pointee.trapValue = address
        takeTrap()
    }

    private func complete(_ kind: LoadKind, _ rd: Int, _ bits: UInt64) {
        switch kind {
        case .lb: raw.setX(rd, UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: bits))))
        case .lh: raw.setX(rd, UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: bits))))
        case .lw: raw.setX(rd, UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: bits))))
        case .ld: raw.setX(rd, bits)
        case .lbu: raw.setX(rd, bits & 0xFF)
        case .lhu: raw.setX(rd, bits & 0xFFFF)
        case .lwu: raw.setX(rd, bits & 0xFFFF_FFFF)
        case .flh: raw.setF(rd, bits | 0xFFFF_FFFF_FFFF_0000)
        case .flw: raw.setF(rd, bits | 0xFFFF_FFFF_0000_0000)
        case .fld: raw.setF(rd, bits)
        }
    }
}
