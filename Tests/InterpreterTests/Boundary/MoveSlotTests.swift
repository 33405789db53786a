import CHost
import ExecutionEngine
import GuestMemory
import RISCV
import Testing

/// `moveSlot`, under running vCPUs.
@Suite("Slots that move")
struct MoveSlotTests {
    private static let elsewhere: UInt64 = 0x4000_0000
    private static let mmio: UInt64 = 0xDEAD

    /// Reports without end what it finds at the slot's place.
    private var reader: Program {
        var program = Program()
        program.li(5, BoundaryGuest.slot)
        program.li(6, BoundaryGuest.report)
        let loop = program.bytes.count
        program.emit(.ld, rd: 7, rs1: 5)
        program.emit(.sd, rs1: 6, rs2: 7)
        program.loop(.jal, to: loop)
        return program
    }

    @Test("a reader sees the one state or the other")
    func reads() throws {
        let guest = try BoundaryGuest(harts: 2, slots: 2)
        guest[BoundaryGuest.slot] = 1
        guest[BoundaryGuest.slot + 1 << 28] = 2
        try guest.load(reader)
        final class Log: @unchecked Sendable { var steps: [Bool] = [], wrongExit = false }
        let log = Log()
        guest.whileRunning(answer: { exit in
            if exit != .mmioRead(address: BoundaryGuest.slot, width: 8) { log.wrongExit = true }
            return .data(Self.mmio)
        }) {
            func sees(_ value: UInt64) { log.steps.append(comesTrue { guest[BoundaryGuest.report] == value }) }
            func move(_ slot: Int, _ base: UInt64?) {
                do { try guest.machine.moveSlot(slot, to: base) } catch { log.steps.append(false) }
            }
            sees(1)
            for _ in 0..<50 {
                move(1, nil)
                sees(Self.mmio)
                move(1, BoundaryGuest.slot)
                sees(1)
                move(1, Self.elsewhere)
                move(2, BoundaryGuest.slot)
                sees(2)
                move(2, nil)
                sees(Self.mmio)
                move(1, BoundaryGuest.slot)
                sees(1)
            }
        }
        #expect(log.steps.count == 251 && !log.steps.contains(false))
        #expect(!log.wrongExit)
    }

    @Test("what the harts had of it is gone when the call returns")
    func atOnce() throws {
        let guest = try BoundaryGuest(slots: 2)
        var program = Program()
        program.li(5, BoundaryGuest.slot)
        program.li(6, BoundaryGuest.report)
        let loop = program.bytes.count
        program.emit(.ld, rd: 7, rs1: 6, imm: 8)
        program.emit(.ld, rd: 8, rs1: 5)
        program.emit(.sd, rs1: 6, rs2: 8)
        program.emit(.fence, imm: 0xFF)
        program.emit(.sd, rs1: 6, rs2: 7, imm: 16)
        program.loop(.jal, to: loop)
        guest[BoundaryGuest.slot] = 1
        guest[BoundaryGuest.slot + 1 << 28] = 2
        try guest.load(program)
        final class Log: @unchecked Sendable { var wrong = 0, rounds = 0 }
        let log = Log()
        guest.whileRunning {
            for round in 1...200 as ClosedRange<UInt64> {
                let second = round % 2 == 1
                do {
                    try guest.machine.moveSlot(second ? 1 : 2, to: Self.elsewhere)
                    try guest.machine.moveSlot(second ? 2 : 1, to: BoundaryGuest.slot)
                } catch { log.wrong += 1 }
                // A pass that begins now loads from what lies there now.
                guest[BoundaryGuest.report + 8] = round
                guard comesTrue({ guest[BoundaryGuest.report + 16] == round }) else { log.wrong += 1; return }
                if guest[BoundaryGuest.report] != (second ? 2 : 1) { log.wrong += 1 }
                log.rounds += 1
                do { try guest.machine.moveSlot(second ? 1 : 2, to: nil) } catch { log.wrong += 1 }
            }
        }
        #expect(log.wrong == 0 && log.rounds == 200)
    }

    @Test("code moves too")
    func code() throws {
        let guest = try BoundaryGuest(slots: 2)
        for (base, value) in [(BoundaryGuest.slot, 1), (BoundaryGuest.slot + 1 << 28, 2)] as [(UInt64, Int32)] {
            var function = Program()
            function.emit(.addi, rd: 10, imm: value)
            function.emit(.jalr, rs1: 1)
            try guest.memory.write(function.bytes, at: base)
        }
        var program = Program()
        program.li(5, BoundaryGuest.slot)
        program.li(6, BoundaryGuest.report)
        let loop = program.bytes.count
        program.emit(.jalr, rd: 1, rs1: 5)
        program.emit(.sd, rs1: 6, rs2: 10)
        program.loop(.jal, to: loop)
        try guest.load(program)
        final class Log: @unchecked Sendable { var steps: [Bool] = [] }
        let log = Log()
        // Harts that find no code trap, so they stop for the change.
        func runs(_ value: UInt64) {
            guest.whileRunning { log.steps.append(comesTrue { guest[BoundaryGuest.report] == value }) }
        }
        runs(1)
        // The kick may have come in the function, which is at another place afterwards.
        try guest.machine.cpus[0].setRegister(.pc, to: BoundaryGuest.code)
        try guest.machine.moveSlot(1, to: Self.elsewhere)
        try guest.machine.moveSlot(2, to: BoundaryGuest.slot)
        runs(2)
        #expect(log.steps == [true, true])
    }

    @Test("what is refused")
    func refused() throws {
        let guest = try BoundaryGuest(slots: 2)
        func refusal(_ slot: Int, _ base: UInt64?) -> EngineError? {
            do throws(EngineError) {
                try guest.machine.moveSlot(slot, to: base)
                return nil
            } catch { return error }
        }
        for slot in [-1, 3, .max] {
            guard case .missing = refusal(slot, nil) else { Issue.record("slot \(slot)"); continue }
        }
        for base in [1, 0x800, BoundaryGuest.code, BoundaryGuest.slot + 1 << 28, BoundaryGuest.slot + 1 << 28 - 0x1000, ~0xFFF] as [UInt64] {
            guard case .invalid = refusal(1, base) else { Issue.record("\(hex(base))"); continue }
        }
        // A slot may overlap its own old place, and lie where one is that is out of sight.
        #expect(refusal(1, BoundaryGuest.slot + 0x1000) == nil)
        #expect(refusal(2, nil) == nil)
        #expect(refusal(1, BoundaryGuest.slot + 1 << 28) == nil)
        guard case .invalid = refusal(2, BoundaryGuest.slot + 1 << 28) else { Issue.record("two at one place"); return }
    }
}
