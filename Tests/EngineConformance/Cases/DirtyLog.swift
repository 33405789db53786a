import CHost
import ExecutionEngine
import GuestMemory
import RISCV

extension Guest {
    /// The pages that `takeWrites` names, by number.
    func takeWrites(_ slot: Int) throws(ConformanceFailure) -> [Int] {
        var pages: [Int] = []
        let words: [UInt64]
        do throws(EngineError) {
            words = try machine.takeWrites(slot: slot)
        } catch {
            throw ConformanceFailure("takeWrites: " + text(error))
        }
        let count = Int(memory.slots[slot].size >> 12)
        try require(words.count == (count + 63) / 64, "takeWrites gives \(words.count) words for \(count) pages")
        for (i, word) in words.enumerated() where word != 0 {
            for bit in 0..<64 where word >> UInt64(bit) & 1 != 0 { pages.append(64 * i + bit) }
        }
        return pages
    }

    func logWrites(_ slot: Int, _ isOn: Bool) throws(ConformanceFailure) {
        try must("logWrites") { machine throws(EngineError) in try machine.logWrites(slot: slot, isOn) }
    }
}

func text(_ pages: [Int]) -> String {
    var text = "["
    for (i, page) in pages.enumerated() {
        if i == 20 { return text + ", …]" }
        text += (i == 0 ? "" : ", ") + "\(page)"
    }
    return text + "]"
}

extension ConformanceCase {
    private static let pages = 200

    /// A guest with a slot of 200 pages at `movable`.
    private static func logged(_ bench: Bench, cpus: Int = 1) throws(ConformanceFailure) -> Guest {
        try bench.guest(over: bench.memory((movable, UInt64(pages) << 12, false)), cpus: cpus)
    }

    private static func written(_ guest: Guest, _ wanted: [Int], _ what: String) throws(ConformanceFailure) {
        let found = try guest.takeWrites(1)
        try require(found == wanted, what + ": the log has pages " + text(found) + " and not " + text(wanted))
    }

    /// Counts, in words of its own, in pages that follow no order. Word 1 of page p counts hart 1's visits.
    private static func writer(_ hart: Int) -> GuestProgram {
        var program = GuestProgram(at: Layout.code + 0x1_0000 * UInt64(hart))
        program.begin()
        program.li(X.s0, movable + 8 * UInt64(hart))
        program.li(X.s1, UInt64(pages))
        program.li(X.s2, 0x5851_F42D_4C95_7F2D)
        program.li(X.s3, UInt64(hart) + 1)
        program.li(X.s4, Layout.data + 0x1000 * UInt64(hart))
        program.li(X.s5, 0)
        let loop = program.here()
        program.emit(.mul, rd: X.s3, rs1: X.s3, rs2: X.s2)
        program.addi(X.s3, X.s3, 1)
        program.emit(.srli, rd: X.t0, rs1: X.s3, imm: 33)
        program.emit(.remu, rd: X.t0, rs1: X.t0, rs2: X.s1)
        program.emit(.slli, rd: X.t0, rs1: X.t0, imm: 12)
        program.emit(.add, rd: X.t0, rs1: X.t0, rs2: X.s0)
        program.ld(X.t1, X.t0)
        program.addi(X.t1, X.t1, 1)
        program.sd(X.t1, X.t0)
        program.addi(X.s5, X.s5, 1)
        program.sd(X.s5, X.s4)
        program.jump(to: loop)
        return program
    }

    private static func startWriters(_ guest: Guest, _ cpus: Int) throws(ConformanceFailure) -> [Runner] {
        for hart in 0..<cpus {
            try guest.load(writer(hart), cpu: hart)
            try guest.setPower(.runnable, cpu: hart)
        }
        return (0..<cpus).map { guest.start($0) }
    }

    /// Copies what the log names to `shadow`.
    private static func collect(_ guest: Guest, into shadow: UnsafeMutableRawPointer) throws(ConformanceFailure) {
        let host = guest.memory.slots[1].host
        for page in try guest.takeWrites(1) { host_copy(shadow + page << 12, host + page << 12, 4096) }
    }

    /// What the log didn't name shall be as it was.
    private static func compare(_ guest: Guest, _ shadow: UnsafeMutableRawPointer, _ what: String) throws(ConformanceFailure) {
        let host = guest.memory.slots[1].host
        var lost: [Int] = []
        for page in 0..<pages where host_compare(shadow + page << 12, host + page << 12, 4096) != 0 { lost.append(page) }
        try require(lost.isEmpty, what + ": writes to pages " + text(lost) + " aren't in the log")
    }

    private static func parallel(_ bench: Bench, cpus: Int) throws(ConformanceFailure) {
        let guest = try logged(bench, cpus: cpus)
        try guest.logWrites(1, true)
        let shadow = UnsafeMutableRawPointer.allocate(byteCount: pages << 12, alignment: 4096)
        defer { shadow.deallocate() }
        host_fill(shadow, 0, pages << 12)
        let runners = try startWriters(guest, cpus)
        try bench.wait(for: "the writers") { (0..<cpus).allSatisfy { guest[Layout.data + 0x1000 * UInt64($0)] > 0 } }
        for _ in 0..<300 {
            try bench.check()
            try collect(guest, into: shadow)
        }
        // Each has written since: the log went on to the end.
        let before = (0..<cpus).map { guest[Layout.data + 0x1000 * UInt64($0)] }
        try bench.wait(for: "the writers") { (0..<cpus).allSatisfy { guest[Layout.data + 0x1000 * UInt64($0)] > before[$0] } }
        for runner in runners { try runner.stop() }
        try collect(guest, into: shadow)
        try compare(guest, shadow, "\(cpus) writers")
        try written(guest, [], "after the writers' end")
    }

    static let dirtyLog = [
        ConformanceCase("dirty log: exactly the pages that were written") { bench throws(ConformanceFailure) in
            let guest = try logged(bench)
            var program = GuestProgram()
            program.begin()
            program.csrs(.sstatus, value: Bits.fsInitial)
            func to(_ page: UInt64, _ offset: UInt64) { program.li(X.s0, movable + page << 12 + offset) }
            to(0, 0); program.emit(.sb, rs1: X.s0, rs2: X.t1)
            to(1, 0xFFE); program.emit(.sh, rs1: X.s0, rs2: X.t1)
            to(3, 4); program.emit(.sw, rs1: X.s0, rs2: X.t1)
            to(63, 0xFF8); program.sd(X.t1, X.s0)
            to(64, 0); program.half(0xC000); program.half(0x0001)
            to(65, 8); program.emit(.amoadd_d, rd: X.t2, rs1: X.s0, rs2: X.t1)
            to(66, 16)
            let again = program.here()
            program.emit(.lr_d, rd: X.t2, rs1: X.s0)
            program.emit(.sc_d, rd: X.t2, rs1: X.s0, rs2: X.t1)
            program.branch(.bne, X.t2, X.zero, to: again)
            to(100, 24); program.emit(.fsd, rs1: X.s0, rs2: 3)
            to(199, 0xFFF); program.emit(.sb, rs1: X.s0, rs2: X.t1)
            // A store of what is there is a write; a load isn't.
            to(120, 0); program.sd(X.zero, X.s0)
            to(5, 0); program.ld(X.t2, X.s0)
            to(130, 0); program.emit(.cbo_zero, rs1: X.s0)
            program.report(value: 1)
            to(64, 0); program.sd(X.t1, X.s0)
            to(7, 0); program.sd(X.t1, X.s0)
            program.report(value: 2)
            program.end()
            try guest.load(program)
            try guest.logWrites(1, true)
            try written(guest, [], "before the first run")
            try guest.report(1, "the program")
            try written(guest, [0, 1, 3, 63, 64, 65, 66, 100, 120, 130, 199], "after stores")
            try written(guest, [], "after the log was taken")
            try guest.report(2, "the program")
            try written(guest, [7, 64], "after two more stores")
            try guest.done()
        },
        ConformanceCase("dirty log: pages that were written before count when they are written again") { bench throws(ConformanceFailure) in
            let guest = try logged(bench)
            var program = GuestProgram()
            program.begin()
            program.li(X.s0, movable)
            program.li(X.s1, movable + 0x5000)
            let loop = program.here()
            program.sd(X.s1, X.s0)
            program.ld(X.t0, X.s1)
            program.report(X.s1)
            program.sd(X.s0, X.s1)
            program.report(X.s0)
            program.jump(to: loop)
            try guest.load(program)
            func step() throws(ConformanceFailure) { _ = try guest.report() }
            try step()
            try step()
            for _ in 0..<3 {
                try guest.logWrites(1, true)
                try written(guest, [], "at the start of logging")
                try step()
                try written(guest, [0], "after the first store")
                try guest.logWrites(1, true)
                try step()
                try guest.logWrites(1, true)
                try written(guest, [5], "after logging was started again")
                try step()
                try step()
                try guest.logWrites(1, false)
                try guest.refuses(.missing, "takeWrites without logging") { machine throws(EngineError) in _ = try machine.takeWrites(slot: 1) }
                try step()
                try step()
            }
            // The other slot was never logged.
            try guest.refuses(.missing, "takeWrites of another slot") { machine throws(EngineError) in _ = try machine.takeWrites(slot: 0) }
            try guest.refuses(.missing, "takeWrites of no slot") { machine throws(EngineError) in _ = try machine.takeWrites(slot: 7) }
            try guest.refuses(.missing, "logWrites of no slot") { machine throws(EngineError) in try machine.logWrites(slot: 7, true) }
            try guest.logWrites(1, false)
        },
        ConformanceCase("dirty log: loses nothing under two writers") { bench throws(ConformanceFailure) in try parallel(bench, cpus: 2) },
        ConformanceCase("dirty log: loses nothing under four writers") { bench throws(ConformanceFailure) in try parallel(bench, cpus: 4) },
        ConformanceCase("dirty log: starts and stops under running writers") { bench throws(ConformanceFailure) in
            let guest = try logged(bench, cpus: 2)
            let shadow = UnsafeMutableRawPointer.allocate(byteCount: pages << 12, alignment: 4096)
            defer { shadow.deallocate() }
            let runners = try startWriters(guest, 2)
            try bench.wait(for: "the writers") { guest[Layout.data] > 0 && guest[Layout.data + 0x1000] > 0 }
            for _ in 0..<20 {
                try bench.check()
                try guest.logWrites(1, true)
                // What was written before logging is in the copy, what comes later in the log.
                host_copy(shadow, guest.memory.slots[1].host, pages << 12)
                for _ in 0..<5 { try collect(guest, into: shadow) }
                let before = [guest[Layout.data], guest[Layout.data + 0x1000]]
                try bench.wait(for: "the writers") { guest[Layout.data] > before[0] && guest[Layout.data + 0x1000] > before[1] }
                try guest.logWrites(1, false)
            }
            try guest.logWrites(1, true)
            host_copy(shadow, guest.memory.slots[1].host, pages << 12)
            for _ in 0..<20 { try collect(guest, into: shadow) }
            for runner in runners { try runner.stop() }
            try collect(guest, into: shadow)
            try compare(guest, shadow, "after logging went on and off")
        },
        ConformanceCase("dirty log: user mode and paging make no difference") { bench throws(ConformanceFailure) in
            let guest = try logged(bench)
            guest.mapGiants()
            var program = GuestProgram()
            program.begin()
            program.turnOnPaging()
            program.enterUser(offset: Guest.userRAM - Layout.ram)
            program.li(X.gp, Guest.userLow + Layout.report)
            program.li(X.t0, movable + (Guest.userRAM - Layout.ram))
            program.li(X.t1, 0x2000)
            program.emit(.add, rd: X.t0, rs1: X.t0, rs2: X.t1)
            program.sd(X.t1, X.t0)
            program.report(X.t1)
            program.emit(.sb, rs1: X.t0, rs2: X.t1, imm: 1)
            program.report(X.t1)
            program.end()
            try guest.load(program)
            try guest.logWrites(1, true)
            try guest.report(0x2000, "the program")
            try written(guest, [2], "after a store from user mode")
            try written(guest, [], "after the log was taken")
            try guest.report(0x2000, "the program")
            try written(guest, [2], "after another store from user mode")
            try guest.done()
        },
    ]
}
