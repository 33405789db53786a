import RISCV

/// What a `Traveller` executes. Every hart enters `main` as SBI HSM starts it: a0 its id, a1 for the first how many
/// there are, for the others 0.
enum TravellerCode {
    static let handlerAddress = Guest.code + 0x800
    static let userAddress = Guest.code + 0xC00
    /// What to add to an address for U-mode, which sees memory at 1 GiB.
    private static let userOffset = 0x4000_0000 &- Guest.base
    private static let rounds: UInt64 = 150_000
    private static let ticks: UInt64 = 5
    /// 0.3 ms.
    private static let period: UInt64 = 3000

    // Registers with one meaning: x4 the hart's page of memory, x20 its id, x24 rounds left, x25 what is computed.
    private static let page: UInt8 = 4, id: UInt8 = 20, left: UInt8 = 24, value: UInt8 = 25, factor: UInt8 = 26

    static let main: Program = {
        var p = Program()
        p.emit(.slli, rd: page, rs1: 10, imm: 12)
        p.li(5, Guest.data)
        p.emit(.add, rd: page, rs1: page, rs2: 5)
        p.csrw(.sscratch, page)
        p.li(5, handlerAddress)
        p.csrw(.stvec, 5)
        p.emit(.addi, rd: id, rs1: 10)
        p.emit(.addi, rd: 21, rs1: 11)
        startOthers(&p)
        // Paging, floating point, interrupts.
        p.li(5, 8 << 60 | Guest.tables >> 12)
        p.csrw(.satp, 5)
        p.emit(.sfence_vma)
        p.li(5, 0x2000 | MStatus.SIE)
        p.emit(.csrrs, rs1: 5, imm: Int32(CSR.sstatus.rawValue))
        p.li(5, 0x7)
        p.csrw(.scounteren, 5)
        p.li(5, EnvironmentConfiguration.CBZE)
        p.csrw(.senvcfg, 5)
        p.emit(.fcvt_d_l, rd: 1, rs1: id)
        p.li(5, 3)
        p.emit(.fcvt_d_l, rd: 2, rs1: 5)
        p.li(5, 7)
        p.emit(.fcvt_d_l, rd: 3, rs1: 5)
        p.emit(.fdiv_d, rd: 3, rs1: 2, rs2: 3)
        arm(&p)
        p.li(5, 0x22)
        p.csrw(.sie, 5)
        compute(&p)
        // An IPI for everyone, then wait for some of ours and for ticks.
        p.li(10, 0)
        p.li(11, ~0)
        call(&p, EID.ipi)
        let wait = p.bytes.count
        p.emit(.ld, rd: 5, rs1: page, imm: 0)
        p.li(6, ticks)
        p.emit(.slt, rd: 5, rs1: 5, rs2: 6)
        p.emit(.ld, rd: 6, rs1: page, imm: 8)
        p.emit(.sltiu, rd: 6, rs1: 6, imm: 1)
        p.emit(.or, rd: 5, rs1: 5, rs2: 6)
        p.emit(.beq, rs1: 5, rs2: 0, imm: 12)
        p.emit(.wfi)
        p.loop(.jal, to: wait)
        // To U-mode.
        p.emit(.csrrci, rs1: UInt8(MStatus.SIE), imm: Int32(CSR.sstatus.rawValue))
        p.li(5, userAddress &+ userOffset)
        p.csrw(.sepc, 5)
        p.li(5, MStatus.SPP)
        p.emit(.csrrc, rs1: 5, imm: Int32(CSR.sstatus.rawValue))
        p.li(5, MStatus.SPIE)
        p.emit(.csrrs, rs1: 5, imm: Int32(CSR.sstatus.rawValue))
        p.li(5, userOffset)
        p.emit(.add, rd: page, rs1: page, rs2: 5)
        p.emit(.sret)
        return p
    }()

    static let user: Program = {
        var p = Program()
        compute(&p)
        // Neither traps, as long as scounteren and senvcfg are what they were.
        p.csrr(5, .time)
        p.emit(.addi, rd: 5, rs1: page, imm: 2047)
        p.emit(.addi, rd: 5, rs1: 5, imm: 1)
        p.emit(.cbo_zero, rs1: 5)
        p.emit(.ecall)
        return p
    }()

    /// Takes interrupts; ends the run with a store of 0 when U-mode calls, and with one of scause otherwise.
    static let handler: Program = {
        var p = Program()
        let saved: [UInt8] = [5, 6, 10, 11, 16, 17]
        p.emit(.csrrw, rd: page, rs1: page, imm: Int32(CSR.sscratch.rawValue))
        for (i, r) in saved.enumerated() { p.emit(.sd, rs1: page, rs2: r, imm: Int32(16 + 8 * i)) }
        p.csrr(5, .scause)
        p.emit(.andi, rd: 6, rs1: 5, imm: 15)

        var restore = Program()
        for (i, r) in saved.enumerated() { restore.emit(.ld, rd: r, rs1: page, imm: Int32(16 + 8 * i)) }
        restore.emit(.csrrw, rd: page, rs1: page, imm: Int32(CSR.sscratch.rawValue))
        restore.emit(.sret)
        var timer = Program()
        increment(&timer, 0)
        arm(&timer)
        var software = Program()
        software.emit(.csrrci, rs1: 2, imm: Int32(CSR.sip.rawValue))
        increment(&software, 8)
        var exception = Program()
        exception.emit(.addi, rd: 6, rs1: 5, imm: -8)
        exception.emit(.sd, rs1: 0, rs2: 6, imm: Int32(Guest.trapPort))

        // exception | timer, restore | software, restore
        p.emit(.blt, rs1: 5, rs2: 0, imm: Int32(4 + exception.count))
        p.append(exception)
        p.emit(.addi, rd: 10, imm: 5)
        p.emit(.bne, rs1: 6, rs2: 10, imm: Int32(4 + timer.count + restore.count))
        p.append(timer)
        p.append(restore)
        p.append(software)
        p.append(restore)
        return p
    }()

    /// Starts harts 1 to x21 − 1.
    private static func startOthers(_ p: inout Program) {
        p.emit(.addi, rd: 22, imm: 1)
        let start = p.bytes.count
        var body = Program()
        body.emit(.addi, rd: 10, rs1: 22)
        body.li(11, Guest.code)
        body.emit(.addi, rd: 12, imm: 0)
        call(&body, EID.hsm)
        body.emit(.addi, rd: 22, rs1: 22, imm: 1)
        p.emit(.bge, rs1: 22, rs2: 21, imm: Int32(8 + body.count))
        p.append(body)
        p.loop(.jal, to: start)
    }

    /// One stretch of computing with all kinds of registers.
    private static func compute(_ p: inout Program) {
        p.li(left, rounds)
        p.li(factor, 0x9E37_79B9_7F4A_7C15)
        let loop = p.bytes.count
        p.emit(.add, rd: value, rs1: value, rs2: left)
        p.emit(.add, rd: value, rs1: value, rs2: id)
        p.emit(.mul, rd: value, rs1: value, rs2: factor)
        p.emit(.fadd_d, rd: 1, rs1: 1, rs2: 3, rm: 7)
        p.emit(.fmul_d, rd: 4, rs1: 1, rs2: 3, rm: 7)
        p.emit(.andi, rd: 27, rs1: left, imm: 0x1F8)
        p.emit(.add, rd: 27, rs1: 27, rs2: page)
        p.emit(.ld, rd: 28, rs1: 27, imm: 64)
        p.emit(.xor, rd: 28, rs1: 28, rs2: value)
        p.emit(.sd, rs1: 27, rs2: 28, imm: 64)
        p.emit(.addi, rd: 27, rs1: page, imm: 1024)
        p.emit(.amoxor_d, rd: 28, rs1: 27, rs2: value)
        p.emit(.addi, rd: 27, rs1: 27, imm: 64)
        let again = p.bytes.count
        p.emit(.lr_d, rd: 28, rs1: 27)
        p.emit(.add, rd: 28, rs1: 28, rs2: value)
        p.emit(.sc_d, rd: 29, rs1: 27, rs2: 28)
        p.loop(.bne, rs1: 29, rs2: 0, to: again)
        p.emit(.addi, rd: left, rs1: left, imm: -1)
        p.loop(.bne, rs1: left, rs2: 0, to: loop)
    }

    private static func increment(_ p: inout Program, _ offset: Int32) {
        p.emit(.ld, rd: 5, rs1: page, imm: offset)
        p.emit(.addi, rd: 5, rs1: 5, imm: 1)
        p.emit(.sd, rs1: page, rs2: 5, imm: offset)
    }

    /// The timer's next interrupt; changes x10, x11, x16, x17.
    private static func arm(_ p: inout Program) {
        p.csrr(10, .time)
        p.li(11, period)
        p.emit(.add, rd: 10, rs1: 10, rs2: 11)
        call(&p, EID.time)
    }

    private static func call(_ p: inout Program, _ id: UInt64) {
        p.li(17, id)
        p.emit(.addi, rd: 16, imm: 0)
        p.emit(.ecall)
    }
}

extension Program {
    fileprivate mutating func append(_ other: Program) {
        for i in stride(from: 0, to: other.bytes.count, by: 2) { half(UInt16(other.bytes[i]) | UInt16(other.bytes[i + 1]) << 8) }
    }
}
