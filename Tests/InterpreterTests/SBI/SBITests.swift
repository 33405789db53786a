import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// A guest in S-mode whose ecalls the engine answers, through the engine's boundary. Expectations are the
/// chapters of the SBI specification 3.0.
final class SBIGuest: @unchecked Sendable {
    let guest: Guest
    static let done = Outcome.exit(.mmioWrite(address: Guest.trapPort, width: 1, value: 0))

    init(harts: Int = 1, extensions: Extensions = .withoutHypervisor) throws {
        guest = try Guest(harts: harts, extensions: extensions, answersSBI: true)
        for cpu in guest.machine.cpus { try cpu.setRegister(.sbiExtension(.debugConsole), to: 1) }
        var program = Program()
        program.emit(.ecall)
        program.emit(.sb, imm: Int32(Guest.trapPort))
        guest.load(program)
    }

    static let argumentRegisters = 10...15
    enum Error: Int64 {
        case success = 0, failed = -1, notSupported = -2, invalidParameter = -3, denied = -4, invalidAddress = -5, alreadyAvailable = -6
        case alreadyStarted = -7, alreadyStopped = -8, deniedLocked = -14
    }

    /// One call on a hart; error and value, or the exit that it became.
    func call(_ id: UInt64, _ function: UInt64 = 0, _ arguments: UInt64..., hart: Int = 0) -> (error: Int64, value: UInt64, outcome: Outcome) {
        let h = guest.machine.harts[hart]
        // Completes what the last call left open, before its answer can get in the way.
        h.pc = Guest.code
        for r in 1..<32 { h.setX(r, UInt64(r) &* 0x1111) }
        for (i, value) in arguments.enumerated() { h.setX(10 + i, value) }
        h.setX(16, function)
        h.setX(17, id)
        let outcome = guest.run(in: .supervisor, hart: hart)
        return (Int64(bitPattern: h.x(10)), h.x(11), outcome)
    }
}

enum EID {
    static let base: UInt64 = 0x10, time: UInt64 = 0x5449_4D45, ipi: UInt64 = 0x735049, rfence: UInt64 = 0x5246_4E43
    static let hsm: UInt64 = 0x48534D, srst: UInt64 = 0x5352_5354, dbcn: UInt64 = 0x4442_434E
    static let susp: UInt64 = 0x5355_5350, pmu: UInt64 = 0x504D55, sta: UInt64 = 0x535441, fwft: UInt64 = 0x4657_4654
}

typealias SBIOutcome = (error: Int64, value: UInt64, outcome: Outcome)

/// A call came back with this error, and this value when one is given.
func expect(
    _ result: SBIOutcome, _ error: SBIGuest.Error, _ value: UInt64? = nil, _ note: String = "",
    at location: SourceLocation = #_sourceLocation
) {
    #expect(result.outcome == SBIGuest.done, "\(note)", sourceLocation: location)
    #expect(result.error == error.rawValue, "\(note)", sourceLocation: location)
    if let value { #expect(result.value == value, "\(note)", sourceLocation: location) }
}

@Suite("SBI")
struct SBITests {
    @Test("all registers but a0 and a1 are kept")
    func preserved() throws {
        let g = try SBIGuest()
        for id in [EID.base, EID.time, EID.ipi, EID.rfence, 0, 3, 4, 5, 6, 7, 0x1234] {
            _ = g.call(id, 0, id == EID.time || id == 0 ? ~0 : 0, 0)
            for r in 1..<32 where !(10...17).contains(r) { #expect(g.guest.hart.x(r) == UInt64(r) * 0x1111, "x\(r) in \(hex(id))") }
            for r in 12...15 { #expect(g.guest.hart.x(r) == UInt64(r) * 0x1111) }
            #expect(g.guest.hart.x(16) == 0 && g.guest.hart.x(17) == id)
            // Legacy calls keep a1 as well.
            if id <= 8 { #expect(g.guest.hart.x(11) == 0) }
        }
    }

    @Test("BASE")
    func base() throws {
        let g = try SBIGuest()
        expect(g.call(EID.base, 0), .success, 3 << 24)
        expect(g.call(EID.base, 1), .success, 3)
        expect(g.call(EID.base, 2), .success)
        for function in 4...6 as ClosedRange<UInt64> { expect(g.call(EID.base, function), .success, 0) }
        for function in [7, 8, 100, ~0] as [UInt64] { expect(g.call(EID.base, function), .notSupported) }
        for id in [0, 1, 2, 3, 4, 5, 6, 7, 8, EID.base, EID.time, EID.ipi, EID.rfence, EID.hsm, EID.srst, EID.dbcn, EID.susp, EID.pmu, EID.sta, EID.fwft] as [UInt64] {
            let probed = g.call(EID.base, 3, id)
            expect(probed, .success)
            #expect(probed.value != 0, "\(hex(id))")
        }
        for id in [9, 0xF, 0x1234_5678, 0x4E41_434C] as [UInt64] { expect(g.call(EID.base, 3, id), .success, 0) }
    }

    @Test("unknown extensions and functions")
    func unknown() throws {
        let g = try SBIGuest()
        for id in [9, 0xF, 0x11, 0x1234_5678, 0x4E41_434C, ~0] as [UInt64] {
            for function in [0, 1, 77] as [UInt64] { expect(g.call(id, function), .notSupported, nil, hex(id)) }
        }
        for (id, first) in [(EID.time, 1), (EID.ipi, 1), (EID.rfence, 7), (EID.hsm, 4), (EID.srst, 1)] as [(UInt64, UInt64)] {
            for function in [first, first + 1, 0x1000, ~0] { expect(g.call(id, function), .notSupported, nil, "\(hex(id)) \(function)") }
        }
        // The HFENCE calls need the hypervisor extension.
        for function in 3...6 as ClosedRange<UInt64> { expect(g.call(EID.rfence, function, 1, 0), .notSupported) }
    }

    @Test("what user space answers", arguments: [1, 2, 0x4442_434E, 0x0800_0000, 0x0900_0000, 0x08FF_FFFF, 0x09FF_FFFF, 0x0900_1234] as [UInt64])
    func forwarded(_ id: UInt64) throws {
        let g = try SBIGuest()
        let result = g.call(id, 5, 10, 11, 12, 13, 14, 15)
        #expect(result.outcome == .exit(.sbi(SBICall(extensionID: id, functionID: 5, a0: 10, a1: 11, a2: 12, a3: 13, a4: 14, a5: 15))))
        #expect(g.guest.resume(.sbi(error: -7, value: 99)) == SBIGuest.done)
        #expect(g.guest.hart.x(10) == UInt64(bitPattern: -7))
        #expect(g.guest.hart.x(11) == (id <= 8 ? 11 : 99))
        // No answer means that nobody knows it.
        _ = g.call(id, 5)
        #expect(g.guest.resume() == SBIGuest.done)
        #expect(g.guest.hart.x(10) == UInt64(bitPattern: -2))
    }

    @Test("TIME and the legacy timer")
    func time() throws {
        let g = try SBIGuest()
        let h = g.guest.hart
        for (id, isLegacy) in [(EID.time, false), (0, true)] as [(UInt64, Bool)] {
            let past = g.call(id, 0, 0)
            #expect(past.outcome == SBIGuest.done && past.error == 0)
            #expect(h[.sip] >> 5 & 1 == 1)
            // "clears the pending timer interrupt bit": set further away, even to never.
            for later in [h[.time] + 1_000_000_000, ~0] {
                _ = g.call(id, 0, later)
                #expect(h[.sip] >> 5 & 1 == 0)
            }
            if isLegacy { #expect(h.x(11) == 11 * 0x1111) }
        }
    }

    @Test("IPI and the legacy ones")
    func ipi() throws {
        let g = try SBIGuest(harts: 4)
        let harts = g.guest.machine.harts
        func pending() -> [Bool] {
            let result = harts.map { $0[.sip] >> 1 & 1 == 1 }
            for hart in harts { hart.setPending(2, false) }
            return result
        }
        for (mask, base, want) in [
            (0b0001, 0, [true, false, false, false]), (0b1010, 0, [false, true, false, true]), (0b1, 3, [false, false, false, true]),
            (0b11, 1, [false, true, true, false]), (0, ~0, [true, true, true, true]), (~0, ~0, [true, true, true, true]), (0, 0, [false, false, false, false]),
        ] as [(UInt64, UInt64, [Bool])] {
            expect(g.call(EID.ipi, 0, mask, base), .success, nil, "\(mask) \(base)")
            #expect(pending() == want, "\(mask) \(base)")
        }
        for (mask, base) in [(0b10000, 0), (1, 4), (0b11, 3), (1 << 63, 0), (1, 1 << 40), (2, ~1)] as [(UInt64, UInt64)] {
            expect(g.call(EID.ipi, 0, mask, base), .invalidParameter, nil, "\(hex(mask)) \(hex(base))")
            #expect(pending() == [false, false, false, false])
        }
        // Legacy: a pointer to the mask, or 0 for all.
        g.guest[Guest.data] = 0b0110
        #expect(g.call(4, 0, Guest.data).error == 0)
        #expect(pending() == [false, true, true, false])
        #expect(g.call(4, 0, 0).error == 0)
        #expect(pending() == [true, true, true, true])
        harts[0].setPending(2, true)
        #expect(g.call(3).outcome == SBIGuest.done)
        #expect(pending()[0] == false)
    }

    @Test("HSM: start and its errors, status, stop")
    func start() throws {
        let g = try SBIGuest(harts: 3)
        let guest = g.guest
        // The started hart says who and how it is.
        var program = Program()
        program.li(6, Guest.data)
        program.emit(.sd, rs1: 6, rs2: 10)
        program.emit(.sd, rs1: 6, rs2: 11, imm: 8)
        program.csrr(7, .satp)
        program.emit(.sd, rs1: 6, rs2: 7, imm: 16)
        program.csrr(7, .sstatus)
        program.emit(.sd, rs1: 6, rs2: 7, imm: 24)
        program.emit(.sb, imm: Int32(Guest.trapPort))
        let entry = Guest.code + 0x1002
        guest.load(program, at: entry)

        expect(g.call(EID.hsm, 2, 0), .success, 0)
        expect(g.call(EID.hsm, 2, 1), .success, 1)
        for hart in [3, 64, 1 << 40, ~0] as [UInt64] {
            expect(g.call(EID.hsm, 2, hart), .invalidParameter)
            expect(g.call(EID.hsm, 0, hart, entry, 0), .invalidParameter)
        }
        for address in [0, 0x1000_0000, Guest.base + Guest.ramSize, 1 << 60, ~1] as [UInt64] {
            expect(g.call(EID.hsm, 0, 1, address, 0), .invalidAddress, nil, hex(address))
        }
        expect(g.call(EID.hsm, 2, 1), .success, 1)
        expect(g.call(EID.hsm, 0, 0, entry, 0), .alreadyAvailable)
        expect(g.call(EID.hsm, 0, 1, entry, 0xABCD), .success)
        expect(g.call(EID.hsm, 2, 1), .success, 2)  // until its thread runs
        let again = g.call(EID.hsm, 0, 1, entry, 0)
        #expect([SBIGuest.Error.alreadyAvailable, .failed].map(\.rawValue).contains(again.error))
        #expect(guest.machine.harts[1].run() == .mmioWrite(address: Guest.trapPort, width: 1, value: 0))
        #expect((0..<3).map { guest[Guest.data + 8 * $0] } == [1, 0xABCD, 0])
        #expect(guest[Guest.data + 24] & MStatus.SIE == 0)
        #expect(guest.machine.harts[1].mode == .supervisor)
        expect(g.call(EID.hsm, 2, 1), .success, 0)
        expect(g.call(EID.hsm, 0, 1, entry, 0), .alreadyAvailable)
        // It stops itself: run doesn't come back but for a kick.
        let h = guest.machine.harts[1]
        h.setX(16, 1)
        h.setX(17, EID.hsm)
        h.pc = Guest.code
        inParallel(2) { i in
            if i == 0 {
                #expect(h.run() == .interrupted)
            } else {
                while g.call(EID.hsm, 2, 1).value != 1 {}
                h.kick()
            }
        }
        // And starts again elsewhere.
        expect(g.call(EID.hsm, 0, 1, entry, 0x77), .success)
        #expect(h.run() == .mmioWrite(address: Guest.trapPort, width: 1, value: 0))
        #expect(guest[Guest.data + 8] == 0x77)
    }

    @Test("HSM: suspend types")
    func suspendErrors() throws {
        let g = try SBIGuest()
        for type in [1, 0x0FFF_FFFF, 0x8000_0001, 0x8FFF_FFFF] as [UInt64] { expect(g.call(EID.hsm, 3, type, Guest.code, 0), .invalidParameter, nil, hex(type)) }
        // Platform-specific ones: "reserved or platform-specific and unimplemented".
        for type in [0x1000_0000, 0x7FFF_FFFF, 0x9000_0000, 0xFFFF_FFFF] as [UInt64] { expect(g.call(EID.hsm, 3, type, Guest.code, 0), .invalidParameter, nil, hex(type)) }
        for address in [0, 0x1000_0000, ~1] as [UInt64] { expect(g.call(EID.hsm, 3, 0x8000_0000, address, 0), .invalidAddress) }
    }

    @Test("HSM: both suspends end with an interrupt", arguments: [0, 0x8000_0000] as [UInt64])
    func suspend(_ type: UInt64) throws {
        let g = try SBIGuest(harts: 2)
        let guest = g.guest
        let h = guest.hart
        h.setCSR(.sie, 2)
        h.setCSR(.sstatus, MStatus.SUM)
        var program = Program()
        program.emit(.sd, rs1: 0, imm: 0)  // out, unlike the retentive way
        guest.load(program, at: Guest.code + 0x1000)
        for r in 1..<32 { h.setX(r, UInt64(r)) }
        h.setX(10, type)
        h.setX(11, Guest.code + 0x1000)
        h.setX(12, 0x5555)
        h.setX(16, 3)
        h.setX(17, EID.hsm)
        inParallel(2) { i in
            if i == 0 {
                let outcome = guest.run(in: .supervisor, kicks: 100_000)
                #expect(outcome == (type == 0 ? SBIGuest.done : .exit(.mmioWrite(address: 0, width: 8, value: 0))))
            } else {
                // Started, then suspended: hart 1 sees it, as long as kicks leave it there.
                h.setPending(2, true)
            }
        }
        if type == 0 {
            #expect(h.x(10) == 0)
            for r in 1..<32 where r != 10 && r != 11 && r != 12 && r != 16 && r != 17 { #expect(h.x(r) == UInt64(r)) }
        } else {
            #expect(h.x(10) == 0 && h.x(11) == 0x5555 && h[.satp] == 0 && h[.sstatus] & MStatus.SIE == 0)
        }
        #expect(h.mode == .supervisor)
    }

    @Test("SRST and legacy shutdown")
    func reset() throws {
        let g = try SBIGuest()
        for reason in [0, 1] as [UInt64] {
            #expect(g.call(EID.srst, 0, 0, reason).outcome == .exit(.systemEvent(.shutdown(reason: reason))))
            #expect(g.call(EID.srst, 0, 1, reason).outcome == .exit(.systemEvent(.reset(reason: reason))))
            #expect(g.call(EID.srst, 0, 2, reason).outcome == .exit(.systemEvent(.reset(reason: reason))))
        }
        for (type, reason) in [(3, 0), (0xEFFF_FFFF, 0), (0, 2), (0, 0xDFFF_FFFF), (3, 2)] as [(UInt64, UInt64)] {
            expect(g.call(EID.srst, 0, type, reason), .invalidParameter, nil, "\(hex(type)) \(hex(reason))")
        }
        // "reserved or platform-specific and unimplemented"
        for type in [0xF000_0000, 0xFFFF_FFFF] as [UInt64] { expect(g.call(EID.srst, 0, type, 0), .invalidParameter, nil, hex(type)) }
        #expect(g.call(8).outcome == .exit(.systemEvent(.shutdown(reason: 0))))
    }

    @Test("RFENCE: masks, ranges and their errors")
    func fenceErrors() throws {
        let g = try SBIGuest(harts: 2)
        for function in 0...2 as ClosedRange<UInt64> {
            expect(g.call(EID.rfence, function, 0b11, 0, 0, 0, 0), .success)
            expect(g.call(EID.rfence, function, 0, ~0, 0, ~0, 0), .success)
            expect(g.call(EID.rfence, function, 0b100, 0, 0, 0, 0), .invalidParameter)
            expect(g.call(EID.rfence, function, 1, 2, 0, 0, 0), .invalidParameter)
        }
        // The last page of the address space is one like others.
        for function in 1...2 as ClosedRange<UInt64> {
            expect(g.call(EID.rfence, function, 1, 0, 0 &- 4096, 4096, 0), .success, nil, "up to the end")
            expect(g.call(EID.rfence, function, 1, 0, 0x1000, 0, 0), .success)
        }
        for id in 5...7 as ClosedRange<UInt64> { #expect(g.call(id, 0, 0, 0, 0, 0).error == 0) }
    }
}
