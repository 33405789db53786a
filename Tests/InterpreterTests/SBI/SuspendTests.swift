import RISCV
import Testing

/// SUSP (SBI 3.0, chapter 13).
@Suite("SBI SUSP")
struct SuspendTests {
    @Test("types, addresses and harts that still run")
    func errors() throws {
        let g = try SBIGuest(harts: 2)
        for type in [1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt64] {
            expect(g.call(EID.susp, 0, type, Guest.code, 0), .invalidParameter, nil, hex(type))
        }
        for address in [0, 0x1000_0000, ~1, Guest.code + 1] as [UInt64] { expect(g.call(EID.susp, 0, 0, address, 0), .invalidAddress) }
        expect(g.call(EID.susp, 1), .notSupported)
        expect(g.call(EID.hsm, 0, 1, Guest.code, 0), .success)
        expect(g.call(EID.susp, 0, 0, Guest.code, 0), .denied)
    }

    @Test("goes on at the address given when an interrupt comes")
    func resumes() throws {
        let g = try SBIGuest(harts: 2)
        let h = g.guest.hart
        var program = Program()
        program.emit(.sd, rs1: 0, imm: 0)
        g.guest.load(program, at: Guest.code + 0x1000)
        h.setCSR(.sie, 1 << 5)
        h.setCSR(.sstatus, MStatus.SIE | MStatus.SUM)
        // A timer that comes true later.
        expect(g.call(EID.time, 0, g.guest.machine.time + 20_000), .success)
        let result = g.call(EID.susp, 0, 0xFFFF_FFFF_0000_0000, Guest.code + 0x1000, 0x77)
        #expect(result.outcome == .exit(.mmioWrite(address: 0, width: 8, value: 0)))
        #expect(h.x(10) == 0 && h.x(11) == 0x77)
        #expect(h[.satp] == 0 && h[.sstatus] & (MStatus.SIE | MStatus.SUM) == 0)
        #expect(h[.sip] == 1 << 5)
    }
}
