import ExecutionEngine
import GuestMemory
import RISCV
import TestSupport

extension ConformanceCase {
    static let movable: UInt64 = 0xA000_0000
    static let elsewhere: UInt64 = 0xA800_0000
    static let fixed: UInt64 = 0xB000_0000

    static let memorySlots = [
        ConformanceCase("memory: slots to their last byte, and holes beside them") { bench throws(ConformanceFailure) in
            let memory = try bench.memory((movable, 0x3000, false), (movable + 0x4000, 0x1000, false))
            let guest = try bench.guest(over: memory)
            let inside = [Layout.ram + Layout.ramSize - 8, movable, movable + 0x2FF8, movable + 0x4000, movable + 0x4FF8]
            let outside = [Layout.ram - 8, Layout.ram + Layout.ramSize, movable - 8, movable + 0x3000, movable + 0x3FF8, movable + 0x5000]
            var program = GuestProgram()
            program.begin()
            for address in inside {
                program.li(X.t0, address)
                program.li(X.t1, ~address)
                program.ld(X.t2, X.t0)
                program.sd(X.t1, X.t0)
                program.report(X.t2)
            }
            for address in outside {
                program.li(X.t0, address)
                program.ld(X.t1, X.t0)
                program.sd(X.t1, X.t0)
            }
            program.end()
            try guest.load(program)
            for address in inside { guest[address] = address }
            for address in inside {
                try guest.report(address, "the word at " + hex(address))
                try same(guest[address], ~address, "the word at " + hex(address) + " after the guest's store")
            }
            for address in outside {
                try guest.expect(.mmioRead(address: address, width: 8))
                try guest.expect(.mmioWrite(address: address, width: 8, value: address ^ 5), after: .data(address ^ 5))
            }
            try guest.done()
        },
        ConformanceCase("memory: a read-only slot reads, and stores to it are exits", needs: [.readOnlyMemory]) { bench throws(ConformanceFailure) in
            let memory = try bench.memory((fixed, 0x2000, true))
            let guest = try bench.guest(over: memory)
            guest[fixed + 0x1008] = 0x1122_3344_5566_7788
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, fixed + 0x1000)
            program.li(X.t1, 0xAABB_CCDD)
            for _ in 0..<2 {
                program.emit(.lh, rd: X.t2, rs1: X.t0, imm: 8)
                program.report(X.t2)
                program.emit(.sw, rs1: X.t0, rs2: X.t1, imm: 8)
                program.ld(X.t2, X.t0, 8)
                program.report(X.t2)
            }
            program.end()
            try guest.load(program)
            for _ in 0..<2 {
                try guest.report(0x7788, "a half of the slot's word")
                try guest.expect(.mmioWrite(address: fixed + 0x1008, width: 4, value: 0xAABB_CCDD))
                try guest.report(0x1122_3344_5566_7788, "the slot's word after a store")
            }
            try guest.done()
        },
        ConformanceCase("memory: code runs in a read-only slot", needs: [.readOnlyMemory]) { bench throws(ConformanceFailure) in
            let memory = try bench.memory((fixed, 0x2000, true))
            let guest = try bench.guest(over: memory)
            var program = GuestProgram(at: fixed + 0x800)
            program.begin()
            program.report(value: 5)
            program.end()
            for (i, byte) in program.assembled().enumerated() {
                guest.memory.pointer(program.origin + UInt64(i), count: 1)?.storeBytes(of: byte, as: UInt8.self)
            }
            try guest.set(.pc, program.origin)
            try guest.report(5, "the program")
            try guest.done()
        },
        ConformanceCase("memory: a slot moves, goes and comes back") { bench throws(ConformanceFailure) in
            let memory = try bench.memory((movable, 0x4000, false), (fixed, 0x1000, false))
            let guest = try bench.guest(over: memory)
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, movable + 0x1000)
            program.li(X.t1, elsewhere + 0x1000)
            let loop = program.here()
            program.ld(X.t2, X.t0)
            program.report(X.t2)
            program.ld(X.t2, X.t1)
            program.report(X.t2)
            program.jump(to: loop)
            try guest.load(program)
            guest[movable + 0x1000] = 0xC0FFEE
            guest[movable + 0x2000] = 0xBEEF
            func round(_ there: Bool, _ moved: Bool) throws(ConformanceFailure) {
                for (address, isRAM) in [(movable + 0x1000, there), (elsewhere + 0x1000, moved)] {
                    if isRAM {
                        try guest.report(0xC0FFEE, "the word at " + hex(address))
                    } else {
                        try guest.expect(.mmioRead(address: address, width: 8))
                        try guest.report(0x55, after: .data(0x55), "the answer for " + hex(address))
                    }
                }
            }
            func moveSlot(_ base: UInt64?) throws(ConformanceFailure) {
                try guest.must("moveSlot") { machine throws(EngineError) in try machine.moveSlot(1, to: base) }
            }
            try round(true, false)
            for _ in 0..<3 {
                try moveSlot(elsewhere)
                try round(false, true)
                try moveSlot(nil)
                try round(false, false)
                try moveSlot(nil)
                try round(false, false)
                try moveSlot(movable)
                try round(true, false)
                try moveSlot(movable)
                try round(true, false)
            }
            // By a page: another word is where the first one was.
            try moveSlot(movable - 0x1000)
            try guest.report(0xBEEF, "the word at the same address after a move by a page")
            try guest.expect(.mmioRead(address: elsewhere + 0x1000, width: 8))
        },
        ConformanceCase("memory: a slot moves where it can alone") { bench throws(ConformanceFailure) in
            let memory = try bench.memory((movable, 0x4000, false), (fixed, 0x1000, false))
            let guest = try bench.guest(over: memory)
            func refuses(_ refusal: Refusal, _ slot: Int, _ base: UInt64?, _ what: String) throws(ConformanceFailure) {
                try guest.refuses(refusal, what) { machine throws(EngineError) in try machine.moveSlot(slot, to: base) }
            }
            try refuses(.missing, 3, elsewhere, "a slot that there isn't")
            try refuses(.missing, -1, elsewhere, "a slot that there isn't")
            try refuses(.missing, 3, nil, "a slot that there isn't")
            try refuses(.invalid, 1, elsewhere + 8, "an address within a page")
            try refuses(.invalid, 1, fixed - 0x3000, "an address whose end is in another slot")
            try refuses(.invalid, 1, Layout.ram + Layout.ramSize - 0x1000, "an address at another slot's end")
            try refuses(.invalid, 1, 0xFFFF_FFFF_FFFF_F000, "an address from which the slot wraps around")
            // None of these has moved it.
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, movable)
            program.ld(X.t0, X.t0)
            program.report(X.t0)
            try guest.load(program)
            guest[movable] = 77
            try guest.report(77, "the slot's word")
        },
        ConformanceCase("memory: a slot moves under a running vCPU") { bench throws(ConformanceFailure) in
            let memory = try bench.memory((movable, 0x4000, false))
            let guest = try bench.guest(over: memory)
            let magic: UInt64 = 0xC0FF_EE00, vacant: UInt64 = 0x55
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, movable + 0x1000)
            program.li(X.t1, elsewhere + 0x1000)
            program.li(X.s0, magic)
            program.li(X.s1, vacant)
            program.li(X.s2, Layout.data)
            program.li(X.s3, 0)
            let loop = program.here()
            for address in [X.t0, X.t1] {
                let fine = program.label()
                program.ld(X.t2, address)
                program.branch(.beq, X.t2, X.s0, to: fine)
                program.branch(.beq, X.t2, X.s1, to: fine)
                program.report(X.t2)
                program.place(fine)
            }
            program.addi(X.s3, X.s3, 1)
            program.sd(X.s3, X.s2)
            program.jump(to: loop)
            try guest.load(program)
            guest[movable + 0x1000] = magic
            let wrong = Shared(), exits = Shared()
            let runner = guest.start(0) { exit in
                switch exit {
                case .mmioRead(let address, 8):
                    if address != movable + 0x1000, address != elsewhere + 0x1000 { wrong.value = address }
                    exits.add()
                    return .data(vacant)
                case .mmioWrite(Layout.report, 8, let value):
                    wrong.value = value
                    return ExitAnswer.none
                default: return nil
                }
            }
            var random = Random(3)
            for i in 0..<200 {
                let base: UInt64? = switch i % 4 {
                case 0: elsewhere
                case 2: movable
                default: random.below(2) == 0 ? nil : (i % 4 == 1 ? elsewhere : movable)
                }
                try guest.must("moveSlot") { machine throws(EngineError) in try machine.moveSlot(1, to: base) }
                let before = guest[Layout.data]
                if i % 5 == 0 { try bench.wait(for: "the guest's progress") { guest[Layout.data] > before + 1 } }
            }
            try guest.must("moveSlot") { machine throws(EngineError) in try machine.moveSlot(1, to: elsewhere) }
            let before = guest[Layout.data]
            try bench.wait(for: "the guest's progress") { guest[Layout.data] > before + 2 }
            try runner.stop()
            try same(wrong.value, 0, "a word that is neither the slot's nor a device's")
            try require(exits.value > 0, "no access was an exit while the slot moved")
        },
        ConformanceCase("memory: a slot goes from under a vCPU that spins on it") { bench throws(ConformanceFailure) in
            let memory = try bench.memory((movable, 0x4000, false))
            let guest = try bench.guest(over: memory)
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, movable)
            program.li(X.t1, Layout.data)
            let loop = program.here()
            program.ld(X.t2, X.t0)
            program.addi(X.t3, X.t3, 1)
            program.sd(X.t3, X.t1)
            program.branch(.beq, X.t2, X.zero, to: loop)
            program.report(X.t2)
            program.end()
            try guest.load(program)
            let mover = bench.beside { () throws(ConformanceFailure) in
                try bench.wait(for: "the guest's progress") { guest[Layout.data] > 1000 }
                try guest.must("moveSlot") { machine throws(EngineError) in try machine.moveSlot(1, to: nil) }
            }
            try guest.expect(.mmioRead(address: movable, width: 8))
            try mover.join()
            try guest.expect(.mmioRead(address: movable, width: 8), after: .data(0))
            try guest.report(9, after: .data(9), "the answer")
            try guest.done()
        },
    ]
}
