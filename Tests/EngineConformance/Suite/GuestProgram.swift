import RISCV
import TestSupport

/// Integer registers by their names in the calling convention.
enum X {
    static let zero: UInt8 = 0, ra: UInt8 = 1, sp: UInt8 = 2, gp: UInt8 = 3, tp: UInt8 = 4
    static let t0: UInt8 = 5, t1: UInt8 = 6, t2: UInt8 = 7, s0: UInt8 = 8, s1: UInt8 = 9
    static let a0: UInt8 = 10, a1: UInt8 = 11, a2: UInt8 = 12, a3: UInt8 = 13, a4: UInt8 = 14, a5: UInt8 = 15, a6: UInt8 = 16, a7: UInt8 = 17
    static let s2: UInt8 = 18, s3: UInt8 = 19, s4: UInt8 = 20, s5: UInt8 = 21
    static let t3: UInt8 = 28, t4: UInt8 = 29, t5: UInt8 = 30, t6: UInt8 = 31
}

/// Guest code as a case writes it, with labels. `gp` points to the report's address after `begin`.
struct GuestProgram {
    /// A place in the code, perhaps one that is still to come.
    struct Label { fileprivate let number: Int }
    private enum Fix { case relative, upper }

    let origin: UInt64
    private var bytes: [UInt8] = []
    private var places: [Int] = []
    private var fixes: [(at: Int, label: Int, kind: Fix, instruction: Instruction, rd: UInt8, rs1: UInt8, rs2: UInt8)] = []

    init(at origin: UInt64 = Layout.code) { self.origin = origin }

    /// Where the next instruction goes.
    var pc: UInt64 { origin + UInt64(bytes.count) }

    // MARK: Instructions

    mutating func half(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }
    mutating func word(_ value: UInt32) {
        half(UInt16(truncatingIfNeeded: value))
        half(UInt16(truncatingIfNeeded: value >> 16))
    }
    mutating func emit(
        _ instruction: Instruction, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, imm: Int32 = 0, rm: UInt8 = 0, aqrl: UInt8 = 0
    ) {
        word(encode(instruction, rd: rd, rs1: rs1, rs2: rs2, imm: imm, rm: rm, aqrl: aqrl))
    }
    mutating func csrr(_ rd: UInt8, _ csr: CSR) { emit(.csrrs, rd: rd, imm: Int32(csr.rawValue)) }
    mutating func csrw(_ csr: CSR, _ rs1: UInt8) { emit(.csrrw, rs1: rs1, imm: Int32(csr.rawValue)) }
    mutating func csrs(_ csr: CSR, _ rs1: UInt8) { emit(.csrrs, rs1: rs1, imm: Int32(csr.rawValue)) }
    mutating func csrc(_ csr: CSR, _ rs1: UInt8) { emit(.csrrc, rs1: rs1, imm: Int32(csr.rawValue)) }
    /// Writes a constant to a CSR by way of t6.
    mutating func csrw(_ csr: CSR, value: UInt64) { li(X.t6, value); csrw(csr, X.t6) }
    mutating func csrs(_ csr: CSR, value: UInt64) { li(X.t6, value); csrs(csr, X.t6) }
    mutating func csrc(_ csr: CSR, value: UInt64) { li(X.t6, value); csrc(csr, X.t6) }
    mutating func mv(_ rd: UInt8, _ rs1: UInt8) { emit(.addi, rd: rd, rs1: rs1) }
    mutating func addi(_ rd: UInt8, _ rs1: UInt8, _ imm: Int32) { emit(.addi, rd: rd, rs1: rs1, imm: imm) }
    mutating func ld(_ rd: UInt8, _ rs1: UInt8, _ imm: Int32 = 0) { emit(.ld, rd: rd, rs1: rs1, imm: imm) }
    mutating func sd(_ rs2: UInt8, _ rs1: UInt8, _ imm: Int32 = 0) { emit(.sd, rs1: rs1, rs2: rs2, imm: imm) }
    mutating func fence() { emit(.fence, imm: 0xFF) }

    /// Any constant.
    mutating func li(_ rd: UInt8, _ value: UInt64) { for one in loadConstant(rd, value) { word(one) } }

    // MARK: Labels

    /// A label to be placed later.
    mutating func label() -> Label {
        places.append(-1)
        return Label(number: places.count - 1)
    }
    mutating func place(_ label: Label) { places[label.number] = bytes.count }
    /// A label right here.
    mutating func here() -> Label {
        let new = label()
        place(new)
        return new
    }
    /// The address of a label that has its place.
    func address(_ label: Label) -> UInt64 { origin + UInt64(max(0, places[label.number])) }

    mutating func branch(_ instruction: Instruction, _ rs1: UInt8 = 0, _ rs2: UInt8 = 0, to label: Label) {
        fixes.append((bytes.count, label.number, .relative, instruction, 0, rs1, rs2))
        word(0)
    }
    mutating func jump(to label: Label) {
        fixes.append((bytes.count, label.number, .relative, .jal, 0, 0, 0))
        word(0)
    }
    /// The address of a label within two KiB.
    mutating func la(_ rd: UInt8, _ label: Label) {
        fixes.append((bytes.count, label.number, .upper, .addi, rd, rd, 0))
        emit(.auipc, rd: rd)
        word(0)
    }

    // MARK: What programs have in common

    /// gp, and a handler that reports traps as `Layout.trap` says and goes on at sscratch, with interrupts off. It
    /// changes t5 and t6.
    mutating func begin() {
        let start = label()
        let vector = label()
        jump(to: start)
        while bytes.count % 4 != 0 { half(1) }
        place(vector)
        li(X.t6, Layout.trap)
        for csr in [CSR.scause, .sepc, .stval] {
            csrr(X.t5, csr)
            sd(X.t5, X.t6)
        }
        csrr(X.t5, .sscratch)
        csrw(.sepc, X.t5)
        csrc(.sstatus, value: Bits.spie)
        emit(.sret)
        place(start)
        li(X.gp, Layout.report)
        la(X.t6, vector)
        csrw(.stvec, X.t6)
    }

    /// Where a trap's handler goes on.
    mutating func onTrap(_ label: Label) {
        la(X.t6, label)
        csrw(.sscratch, X.t6)
    }

    /// A handler of the program's own: it stands right behind this, and ends where `after` is placed.
    mutating func handler(_ body: (inout GuestProgram) -> Void) {
        let over = label(), start = label()
        jump(to: over)
        while bytes.count % 4 != 0 { half(1) }
        place(start)
        body(&self)
        place(over)
        la(X.t6, start)
        csrw(.stvec, X.t6)
    }

    mutating func report(_ register: UInt8) { sd(register, X.gp) }
    mutating func report(csr: CSR) { csrr(X.t5, csr); report(X.t5) }
    mutating func report(value: UInt64) { li(X.t5, value); report(X.t5) }

    /// The program's end, and a loop behind it.
    mutating func end() {
        sd(X.zero, X.gp, 8)
        spin()
    }
    mutating func spin() {
        let loop = here()
        jump(to: loop)
    }
    /// wfi, again and again.
    mutating func sleep() {
        let loop = here()
        emit(.wfi)
        jump(to: loop)
    }

    /// Paging on, with the tables of `Guest.mapGiants`.
    mutating func turnOnPaging() {
        csrw(.satp, value: Guest.satp)
        emit(.sfence_vma)
    }
    /// Goes on in user mode, at the next instruction's address plus `offset`: where the tables show user mode the same
    /// memory. It changes t0, t1 and t6.
    mutating func enterUser(offset: UInt64 = 0) {
        let user = label()
        la(X.t0, user)
        if offset != 0 {
            li(X.t1, offset)
            emit(.add, rd: X.t0, rs1: X.t0, rs2: X.t1)
        }
        csrw(.sepc, X.t0)
        csrc(.sstatus, value: Bits.spp)
        emit(.sret)
        place(user)
    }

    /// An SBI call with constants for arguments; the answer is in a0 and a1.
    mutating func call(_ extensionID: UInt64, _ functionID: UInt64, _ arguments: UInt64...) {
        for (i, value) in arguments.enumerated() { li(X.a0 + UInt8(truncatingIfNeeded: i), value) }
        li(X.a6, functionID)
        li(X.a7, extensionID)
        emit(.ecall)
    }
    mutating func reportCall() {
        report(X.a0)
        report(X.a1)
    }

    /// The code, all labels resolved.
    func assembled() -> [UInt8] {
        var result = bytes
        for fix in fixes {
            let offset = Int32(truncatingIfNeeded: places[fix.label] - fix.at)
            let at = fix.kind == .upper ? fix.at + 4 : fix.at
            let word = encode(fix.instruction, rd: fix.rd, rs1: fix.rs1, rs2: fix.rs2, imm: offset)
            for i in 0..<4 { result[at + i] = UInt8(truncatingIfNeeded: word >> UInt32(8 * i)) }
        }
        return result
    }
}

/// What SBI numbers its extensions by, and its errors (SBI 3.0, "Binary Encoding").
enum SBI {
    static let base: UInt64 = 0x10, time: UInt64 = 0x5449_4D45, ipi: UInt64 = 0x73_5049, rfence: UInt64 = 0x5246_4E43
    static let hsm: UInt64 = 0x48_534D, reset: UInt64 = 0x5352_5354, pmu: UInt64 = 0x50_4D55, console: UInt64 = 0x4442_434E
    static let suspend: UInt64 = 0x5355_5350, steal: UInt64 = 0x53_5441, features: UInt64 = 0x4657_4654
    static let notSupported = UInt64(bitPattern: -2)
    static let invalidParameter = UInt64(bitPattern: -3)
    static let alreadyAvailable = UInt64(bitPattern: -6)
}

/// Causes as scause has them.
enum Cause {
    static let illegal: UInt64 = 2, breakpoint: UInt64 = 3, userCall: UInt64 = 8
    static let software: UInt64 = 1 << 63 | 1, timer: UInt64 = 1 << 63 | 5, external: UInt64 = 1 << 63 | 9
}

/// Bits of sstatus, sie and sip.
enum Bits {
    static let sie: UInt64 = 1 << 1, spie: UInt64 = 1 << 5, spp: UInt64 = 1 << 8, fsInitial: UInt64 = 1 << 13, sum: UInt64 = 1 << 18
    static let ssi: UInt64 = 1 << 1, sti: UInt64 = 1 << 5, sei: UInt64 = 1 << 9
}
