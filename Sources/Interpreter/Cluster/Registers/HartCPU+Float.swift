import ExecutionEngine
import RISCV

// FP_F and FP_D: a hart with D has both, as under KVM. Neither says anything of sstatus.FS.
extension HartCPU {
    private static var statusIndex: UInt64 { 32 }

    /// F's before D's: a write of D's is the whole register.
    var floatList: [RegisterID] {
        var list: [RegisterID] = []
        if hart.extensions.contains(.f) { list += (0...31).map { RegisterID.single($0) } + [.singleStatus] }
        if hart.extensions.contains(.d) { list += (0...31).map { RegisterID.fp($0) } + [.fcsr] }
        return list
    }

    func single(_ id: RegisterID) throws(EngineError) -> UInt64 { try read(id, .f) & 0xFFFF_FFFF }

    func setSingle(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        // Boxed, as the hart does it.
        let boxed = id.index == Self.statusIndex ? value : value | 0xFFFF_FFFF_0000_0000
        try write(id, .f, boxed)
    }

    func double(_ id: RegisterID) throws(EngineError) -> UInt64 { try read(id, .d) }
    func setDouble(_ id: RegisterID, _ value: UInt64) throws(EngineError) { try write(id, .d, value) }

    private func read(_ id: RegisterID, _ needed: Extension) throws(EngineError) -> UInt64 {
        guard hart.extensions.contains(needed), id.subtype == 0, id.index <= Self.statusIndex else { throw Self.missing(id) }
        if id.index == Self.statusIndex { return hart.readCSR(.fcsr) ?? 0 }
        return hart.raw.f(Int(id.index))
    }

    private func write(_ id: RegisterID, _ needed: Extension, _ value: UInt64) throws(EngineError) {
        guard hart.extensions.contains(needed), id.subtype == 0, id.index <= Self.statusIndex else { throw Self.missing(id) }
        if id.index == Self.statusIndex { return hart.restoreFloatControl(value) }
        hart.state.pointee.f[Int(id.index)] = value
    }
}

extension Hart {
    /// fcsr, with FS left as it is.
    fileprivate func restoreFloatControl(_ value: UInt64) {
        let s = state
        s.pointee.frm = UInt8(value &>> 5 & 7)
        s.pointee.fflags = UInt8(value & 31)
        s.pointee.fpFast = s.pointee.frm == 0 && s.pointee.fflags & 1 != 0 ? 1 : 0
    }
}
