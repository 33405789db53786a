import CHost
import ExecutionEngine
import GuestMemory
import RISCV
import TestSupport

/// A computation that is sensitive to every register: integers and doubles in user mode with paging on, interrupted
/// by the timer, until a flag in memory ends it. How far it came is part of the result, and the host computes the
/// same.
enum Work {
    /// A hart's own page: stop flag, number of timer interrupts, saved registers.
    static func page(_ hart: Int) -> UInt64 { Layout.data + 0x1000 * UInt64(hart) }
    static func code(_ hart: Int) -> UInt64 { Layout.code + 0x8_0000 * UInt64(hart) }
    static let step: UInt64 = 0x5851_F42D_4C95_7F2D
    static let factor = 0.9990234375

    static func seed(_ hart: Int) -> UInt64 { 0x1234_5678_9ABC_DEF1 &+ UInt64(hart) &* 0x1111 }

    /// Hash and sum after so many rounds.
    static func result(_ hart: Int, rounds: UInt64) -> (hash: UInt64, sum: UInt64) {
        var hash = seed(hart)
        var sum = 0.0
        for _ in 0..<rounds {
            hash ^= hash << 13
            hash ^= hash >> 7
            hash ^= hash << 17
            hash = hash &* step
            sum = sum * factor
            sum = sum + Double(Int64(bitPattern: hash >> 40))
        }
        return (hash, sum.bitPattern)
    }

    static func program(_ hart: Int, tick: UInt64) -> GuestProgram {
        var program = GuestProgram(at: code(hart))
        program.begin()
        // The timer's interrupt counts, sets itself again and leaves no trace; another trap is user mode's call at
        // the end.
        program.handler { handler in
            handler.emit(.csrrw, rd: X.tp, rs1: X.tp, imm: Int32(CSR.sscratch.rawValue))
            handler.sd(X.t5, X.tp, 16)
            handler.sd(X.t6, X.tp, 24)
            handler.csrr(X.t5, .scause)
            let call = handler.label()
            handler.branch(.bge, X.t5, X.zero, to: call)
            handler.ld(X.t5, X.tp, 8)
            handler.addi(X.t5, X.t5, 1)
            handler.sd(X.t5, X.tp, 8)
            handler.csrr(X.t5, .time)
            handler.li(X.t6, tick)
            handler.emit(.add, rd: X.t5, rs1: X.t5, rs2: X.t6)
            handler.csrw(.stimecmp, X.t5)
            handler.ld(X.t5, X.tp, 16)
            handler.ld(X.t6, X.tp, 24)
            handler.emit(.csrrw, rd: X.tp, rs1: X.tp, imm: Int32(CSR.sscratch.rawValue))
            handler.emit(.sret)
            handler.place(call)
            handler.li(X.gp, Layout.report)
            handler.report(csr: .scause)
            for register in [X.s0, X.s1] { handler.report(register) }
            handler.emit(.fmv_x_d, rd: X.t5, rs1: 8)
            handler.report(X.t5)
            handler.emit(.ld, rd: X.t5, rs1: X.tp, imm: 8)
            handler.report(X.t5)
            handler.end()
        }
        program.turnOnPaging()
        program.csrw(.sscratch, value: page(hart))
        program.csrr(X.t0, .time)
        program.csrw(.stimecmp, X.t0)
        program.csrw(.sie, value: Bits.sti)
        program.csrs(.sstatus, value: Bits.fsInitial | Bits.spie)
        program.enterUser(offset: Guest.userRAM - Layout.ram)
        program.li(X.s0, 0)
        program.li(X.s1, seed(hart))
        program.li(X.s2, step)
        program.li(X.s3, page(hart) + (Guest.userRAM - Layout.ram))
        program.emit(.fmv_d_x, rd: 8, rs1: X.zero)
        program.li(X.t0, factor.bitPattern)
        program.emit(.fmv_d_x, rd: 9, rs1: X.t0)
        let loop = program.here()
        for (shift, by) in [(Instruction.slli, Int32(13)), (.srli, 7), (.slli, 17)] {
            program.emit(shift, rd: X.t1, rs1: X.s1, imm: by)
            program.emit(.xor, rd: X.s1, rs1: X.s1, rs2: X.t1)
        }
        program.emit(.mul, rd: X.s1, rs1: X.s1, rs2: X.s2)
        program.emit(.fmul_d, rd: 8, rs1: 8, rs2: 9)
        program.emit(.srli, rd: X.t1, rs1: X.s1, imm: 40)
        program.emit(.fcvt_d_l, rd: 10, rs1: X.t1)
        program.emit(.fadd_d, rd: 8, rs1: 8, rs2: 10)
        program.addi(X.s0, X.s0, 1)
        program.ld(X.t2, X.s3)
        program.branch(.beq, X.t2, X.zero, to: loop)
        program.emit(.ecall)
        return program
    }

    /// The reports at the end, against what the host computes.
    static func check(_ guest: Guest, _ hart: Int) throws(ConformanceFailure) {
        guest[page(hart)] = 1
        try guest.report(Cause.userCall, cpu: hart, "scause of hart \(hart) at the end")
        let rounds = try guest.report(cpu: hart, "the number of rounds")
        let wanted = result(hart, rounds: rounds)
        try guest.report(wanted.hash, cpu: hart, "the hash of hart \(hart) after \(rounds) rounds")
        try guest.report(wanted.sum, cpu: hart, "the sum of hart \(hart) after \(rounds) rounds")
        let interrupts = try guest.report(cpu: hart, "the number of interrupts")
        try require(interrupts > 0, "hart \(hart) had no timer interrupt")
        try guest.done(cpu: hart)
    }
}

extension Guest {
    /// All vCPUs' registers and power states, in the order of the list.
    func dump() throws(ConformanceFailure) -> [(registers: [(RegisterID, [UInt8])], power: PowerState)] {
        var all: [(registers: [(RegisterID, [UInt8])], power: PowerState)] = []
        do throws(EngineError) {
            for cpu in machine.cpus {
                var values: [(RegisterID, [UInt8])] = []
                for id in try cpu.registers() { values.append((id, try cpu.bytes(of: id))) }
                all.append((values, try cpu.powerState()))
            }
        } catch {
            throw ConformanceFailure("dumping: " + text(error))
        }
        return all
    }

    /// Makes this machine go on where the dump was made.
    func restore(_ dump: [(registers: [(RegisterID, [UInt8])], power: PowerState)]) throws(ConformanceFailure) {
        for (number, one) in dump.enumerated() {
            for (id, bytes) in one.registers {
                do throws(EngineError) {
                    try cpu(number).setBytes(of: id, to: bytes)
                } catch {
                    throw ConformanceFailure("restoring " + text(id) + ": " + text(error))
                }
            }
            try setPower(one.power, cpu: number)
        }
    }
}

extension ConformanceCase {
    private static func move(_ bench: Bench, cpus: Int, moments: Int, copying: Bool) throws(ConformanceFailure) {
        var guest = try bench.guest(cpus: cpus)
        guest.mapGiants()
        for hart in 0..<cpus {
            try guest.load(Work.program(hart, tick: bench.ticks(milliseconds: 1)), cpu: hart)
            if hart > 0 { try guest.setPower(.runnable, cpu: hart) }
        }
        var random = Random(UInt64(cpus) + (copying ? 10 : 0))
        for _ in 0..<moments {
            let runners = (0..<cpus).map { guest.start($0) }
            host_sleep_ns(random.below(5_000_000))
            for runner in runners { try runner.stop() }
            let dump = try guest.dump()
            let next: Guest
            if copying {
                let memory = try bench.memory()
                let old = guest.memory.slots[0]
                host_copy(memory.slots[0].host, old.host, Int(old.size))
                next = try bench.guest(over: memory, cpus: cpus)
            } else {
                next = try bench.guest(over: guest.memory, cpus: cpus)
            }
            try next.restore(dump)
            bench.forget(guest)
            guest = next
        }
        // As long as it takes for every hart to have had an interrupt.
        let runners = (0..<cpus).map { guest.start($0) }
        let last = guest
        try bench.wait(for: "the timer's interrupts") { (0..<cpus).allSatisfy { last[Work.page($0) + 8] > 0 } }
        for runner in runners { try runner.stop() }
        for hart in 0..<cpus { try Work.check(guest, hart) }
    }

    static let moves = [
        ConformanceCase("move: a machine goes on in another at 20 moments") { bench throws(ConformanceFailure) in
            try move(bench, cpus: 1, moments: 20, copying: false)
        },
        ConformanceCase("move: two vCPUs go on in another machine at 20 moments") { bench throws(ConformanceFailure) in
            try move(bench, cpus: 2, moments: 20, copying: false)
        },
        ConformanceCase("move: two vCPUs go on over a copy of their memory") { bench throws(ConformanceFailure) in
            try move(bench, cpus: 2, moments: 4, copying: true)
        },
        ConformanceCase("move: stopped vCPUs stay stopped, and a dump restored says the same") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 3)
            for hart in 0..<2 { try guest.place(Work.program(hart, tick: bench.ticks(milliseconds: 1))) }
            guest.mapGiants()
            try guest.load(Work.program(0, tick: bench.ticks(milliseconds: 1)))
            let runner = guest.start(0)
            try bench.wait(for: "a timer's interrupt") { guest[Work.page(0) + 8] > 0 }
            try runner.stop()
            let dump = try guest.dump()
            let next = try bench.guest(over: guest.memory, cpus: 3)
            try next.restore(dump)
            let again = try next.dump()
            for hart in 0..<3 {
                try require(again[hart].power == dump[hart].power && dump[hart].power == (hart == 0 ? .runnable : .stopped), "vCPU \(hart)'s power state")
                try require(again[hart].registers.count == dump[hart].registers.count, "the other machine has another list")
                for ((id, before), (other, after)) in zip(dump[hart].registers, again[hart].registers) where id != .time {
                    try require(id == other, "the other machine's list has another order")
                    try require(before == after, text(id) + " of vCPU \(hart) isn't what was restored")
                }
            }
            try Work.check(next, 0)
        },
    ]
}
