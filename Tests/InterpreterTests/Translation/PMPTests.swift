import RISCV
import Testing

/// Smepmp's table: what L, R, W and X of an entry mean under MML, as the specification prints it.
private struct Row {
    let bits: UInt8
    let machine: String
    let others: String

    /// `bits` are L, R, W, X from the left.
    init(_ bits: UInt8, _ machine: String, _ others: String) {
        self.bits = bits
        self.machine = machine
        self.others = others
    }

    /// As in pmpcfg: X 4, W 2, R 1, L 128.
    var config: UInt8 {
        (bits & 8 != 0 ? 0x80 : 0) | (bits & 4 != 0 ? 1 : 0) | (bits & 2 != 0 ? 2 : 0) | (bits & 1 != 0 ? 4 : 0)
    }
}

private let rows = [
    Row(0b0000, "", ""), Row(0b0001, "", "x"), Row(0b0010, "rw", "r"), Row(0b0011, "rw", "rw"),
    Row(0b0100, "", "r"), Row(0b0101, "", "rx"), Row(0b0110, "", "rw"), Row(0b0111, "", "rwx"),
    Row(0b1000, "", ""), Row(0b1001, "x", ""), Row(0b1010, "x", "x"), Row(0b1011, "rx", "x"),
    Row(0b1100, "r", ""), Row(0b1101, "rx", ""), Row(0b1110, "rw", ""), Row(0b1111, "r", "r"),
]

@Suite("PMP")
struct PMPTests {
    private enum Config { static let NAPOT: UInt64 = 3 << 3, L: UInt64 = 0x80, sharedCode: UInt64 = 0x80 | 2 | 4 }
    private static let MML: UInt64 = 1, MMWP: UInt64 = 2, RLB: UInt64 = 4

    /// Code and vectors for everybody in entries 0 and 1, then the page of data with `config` in entry 2.
    private func guest(_ config: UInt8, security: UInt64) throws -> Guest {
        let guest = try Guest()
        let h = guest.hart
        h.setCSR(.mseccfg, Self.RLB)
        h.setCSR(.pmpaddr0, Guest.base >> 2 | 0x1FFF)  // 64 KiB: vectors and code
        h.setCSR(.pmpaddr2, Guest.data >> 2 | 0x1FF)
        let open: UInt64 = security & Self.MML != 0 ? Config.sharedCode : 7
        h.setCSR(.pmpcfg0, Config.NAPOT | 7)
        h.setCSR(.mseccfg, security | Self.RLB)
        h.setCSR(.pmpcfg0, Config.NAPOT | open | (Config.NAPOT | UInt64(config)) << 16)
        h.setCSR(.mseccfg, security)
        guest.write([0x73, 0x00, 0x10, 0x00], at: Guest.data)
        return guest
    }

    /// Which of r, w and x the data allows in a mode.
    private func rights(_ guest: Guest, in mode: Privilege) -> String {
        let h = guest.hart
        h.setX(6, Guest.data)
        var found = ""
        for (letter, program, cause) in [
            ("r", Program(encode(.lw, rd: 5, rs1: 6)), Exception.loadAccessFault),
            ("w", Program(encode(.sw, rs1: 6, rs2: 0, imm: 8)), .storeAccessFault),
            ("x", Program(encode(.jalr, rd: 0, rs1: 6)), .instructionAccessFault),
        ] {
            guest.load(program)
            let outcome = guest.run(in: mode)
            switch outcome {
            case .trap(Exception.breakpoint.rawValue, _, _, _): found += letter
            default: #expect(outcome.cause == cause.rawValue, "\(letter) in \(mode): \(outcome)")
            }
        }
        return found
    }

    @Test("Smepmp's table under MML", arguments: 0..<16)
    func table(_ index: Int) throws {
        let row = rows[index]
        let guest = try guest(row.config, security: Self.MML)
        #expect(rights(guest, in: .machine) == row.machine, "LRWX \(row.bits) in M")
        #expect(rights(guest, in: .supervisor) == row.others, "LRWX \(row.bits) in S")
        #expect(rights(guest, in: .user) == row.others, "LRWX \(row.bits) in U")
    }

    @Test("the same bits without MML", arguments: 0..<16)
    func plain(_ index: Int) throws {
        let row = rows[index]
        // R = 0 with W = 1 is reserved.
        if row.bits & 6 == 2 { return }
        let rights = (row.bits & 4 != 0 ? "r" : "") + (row.bits & 2 != 0 ? "w" : "") + (row.bits & 1 != 0 ? "x" : "")
        let guest = try guest(row.config, security: 0)
        #expect(self.rights(guest, in: .machine) == (row.bits & 8 != 0 ? rights : "rwx"))
        #expect(self.rights(guest, in: .supervisor) == rights)
        #expect(self.rights(guest, in: .user) == rights)
    }

    @Test("where nothing matches")
    func unmatched() throws {
        for (security, expected) in [(0, "rwx"), (Self.MML, "rw")] as [(UInt64, String)] {
            let plain = try Guest()
            plain.hart.setCSR(.mseccfg, Self.RLB)
            plain.hart.setCSR(.pmpaddr0, Guest.base >> 2 | 0x1FFF)
            plain.hart.setCSR(.pmpcfg0, Config.NAPOT | 7)
            plain.hart.setCSR(.mseccfg, security | Self.RLB)
            plain.hart.setCSR(.pmpcfg0, Config.NAPOT | (security == 0 ? 7 : Config.sharedCode))
            plain.write([0x73, 0x00, 0x10, 0x00], at: Guest.data)
            #expect(rights(plain, in: .machine) == expected)
            #expect(rights(plain, in: .supervisor) == "")
        }
        // MMWP: M-mode may do nothing there either. The vector's store out of RAM needs an entry, too.
        let guest = try Guest()
        let h = guest.hart
        h.setCSR(.pmpaddr0, Guest.base >> 2 | 0x1FFF)
        h.setCSR(.pmpaddr1, 0x1FF)
        h.setCSR(.pmpcfg0, (Config.NAPOT | 7) | (Config.NAPOT | 7) << 8)
        h.setCSR(.mseccfg, Self.MMWP)
        #expect(rights(guest, in: .machine) == "")
    }

    @Test("mseccfg: what sticks, and RLB's lock")
    func sticky() throws {
        let guest = try Guest()
        let h = guest.hart
        h.setCSR(.mseccfg, Self.MMWP)
        h.setCSR(.mseccfg, 0)
        #expect(h[.mseccfg] == Self.MMWP)
        h.setCSR(.mseccfg, Self.RLB)
        #expect(h[.mseccfg] == Self.MMWP | Self.RLB)
        // With RLB a locked entry can be changed, and RLB itself cleared.
        h.setCSR(.pmpcfg0, Config.L | 1)
        h.setCSR(.pmpaddr0, 0x1234)
        #expect(h[.pmpaddr0] == 0x1234)
        h.setCSR(.mseccfg, 0)
        #expect(h[.mseccfg] == Self.MMWP)
        h.setCSR(.mseccfg, Self.RLB)
        #expect(h[.mseccfg] == Self.MMWP, "RLB can't be set while an entry is locked")
        h.setCSR(.pmpaddr0, 0)
        h.setCSR(.pmpcfg0, 0)
        #expect(h[.pmpaddr0] == 0x1234 && h[.pmpcfg0] == Config.L | 1)
    }

    @Test("no region becomes executable in M-mode under MML without RLB", arguments: 0..<16)
    func executable(_ index: Int) throws {
        let row = rows[index]
        let guest = try Guest()
        let h = guest.hart
        h.setCSR(.pmpcfg0, 0)
        h.setCSR(.mseccfg, Self.MML)
        h.setCSR(.pmpcfg0, UInt64(row.config))
        #expect(h[.pmpcfg0] == (row.machine.contains("x") ? 0 : UInt64(row.config)))
    }
}
