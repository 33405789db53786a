import CHost
import RISCV

extension Hart {
    /// Carries out the atomic of `op` at a host address: for pages that mustn't enter a TLB. All checks are
    /// done. The same instructions at full speed are in Execute/Atomic.swift.
    func atomicSlow(_ op: OpPointer, _ host: UnsafeMutableRawPointer) {
        let d = decode(Block.word(of: op), extensions)
        let operand = raw.x(Int(d.rs2))
        let result: UInt64
        switch d.instruction {
        case .lr_w, .lr_d: result = reserve(host, raw.x(Int(d.rs1)), wide: d.instruction == .lr_d)
        case .sc_w, .sc_d: result = storeConditional(host, raw.x(Int(d.rs1)), operand, wide: d.instruction == .sc_d)
        default:
            result =
                isWide(d.instruction)
                ? exchange64(host) { Self.combine(d.instruction, $0, operand) } : exchange32(host) { old in
                    // Sign-extended operands compare and combine as their 32 bits do, unsigned ones included.
                    UInt32(truncatingIfNeeded: Self.combine(d.instruction, Self.extended(old), Self.extended(UInt32(truncatingIfNeeded: operand))))
                }
        }
        if d.rd != 0 { raw.setX(Int(d.rd), result) }
    }

    private static func extended(_ v: UInt32) -> UInt64 { UInt64(bitPattern: Int64(Int32(bitPattern: v))) }

    private func isWide(_ i: Instruction) -> Bool {
        switch i {
        case .amoswap_d, .amoadd_d, .amoand_d, .amoor_d, .amoxor_d, .amomin_d, .amomax_d, .amominu_d, .amomaxu_d: true
        default: false
        }
    }

    private static func combine(_ i: Instruction, _ old: UInt64, _ operand: UInt64) -> UInt64 {
        switch i {
        case .amoadd_w, .amoadd_d: old &+ operand
        case .amoand_w, .amoand_d: old & operand
        case .amoor_w, .amoor_d: old | operand
        case .amoxor_w, .amoxor_d: old ^ operand
        case .amomin_w, .amomin_d: Int64(bitPattern: old) < Int64(bitPattern: operand) ? old : operand
        case .amomax_w, .amomax_d: Int64(bitPattern: old) > Int64(bitPattern: operand) ? old : operand
        case .amominu_w, .amominu_d: old < operand ? old : operand
        case .amomaxu_w, .amomaxu_d: old > operand ? old : operand
        default: operand  // amoswap
        }
    }

    private func exchange32(_ host: UnsafeMutableRawPointer, _ new: (UInt32) -> UInt32) -> UInt64 {
        var old = host_atomic_load_32(host)
        while !host_atomic_cas_32(host, old, new(old)) { old = host_atomic_load_32(host) }
        return Self.extended(old)
    }

    private func exchange64(_ host: UnsafeMutableRawPointer, _ new: (UInt64) -> UInt64) -> UInt64 {
        var old = host_atomic_load_64(host)
        while !host_atomic_cas_64(host, old, new(old)) { old = host_atomic_load_64(host) }
        return old
    }

    private func reserve(_ host: UnsafeMutableRawPointer, _ va: UInt64, wide: Bool) -> UInt64 {
        let s = state
        let value = wide ? host_atomic_load_64(host) : UInt64(host_atomic_load_32(host))
        s.pointee.reservedWide = wide
        s.pointee.reservation = va
        s.pointee.reservedValue = value
        s.pointee.reservedHost = UInt64(UInt(bitPattern: host))
        return wide ? value : Self.extended(UInt32(truncatingIfNeeded: value))
    }

    /// 0 when it stored.
    private func storeConditional(_ host: UnsafeMutableRawPointer, _ va: UInt64, _ value: UInt64, wide: Bool) -> UInt64 {
        let s = state
        let held = s.pointee.reservation == va && s.pointee.reservedHost == UInt64(UInt(bitPattern: host))
        let expected = s.pointee.reservedValue
        s.pointee.reservation = ~0
        guard held else { return 1 }
        let done =
            wide
            ? host_atomic_cas_64(host, expected, value)
            : host_atomic_cas_32(host, UInt32(truncatingIfNeeded: expected), UInt32(truncatingIfNeeded: value))
        return done ? 0 : 1
    }
}
