import ExecutionEngine
import GuestMemory
import RISCV

extension Guest {
    /// The pages that a vCPU's ring tells of slot 1, in order.
    fileprivate func takeRing(cpu number: Int = 0) throws(ConformanceFailure) -> [Int] {
        let told: [DirtyPage]
        do throws(EngineError) {
            told = try cpu(number).takeDirtyPages()
        } catch {
            throw ConformanceFailure("takeDirtyPages: " + text(error))
        }
        for one in told { try require(one.slot == 1, "the ring tells of slot \(one.slot), whose writes aren't logged") }
        return told.map { Int(truncatingIfNeeded: $0.page) }
    }
}

extension ConformanceCase {
    private static let pages: UInt64 = 4096

    /// A guest with a slot of 16 MiB at `movable` and rings of so many bytes.
    private static func ringed(_ bench: Bench, _ bytes: Int) throws(ConformanceFailure) -> Guest {
        try bench.guest(over: bench.memory((movable, pages << 12, false)), dirtyRing: bytes)
    }

    /// How an engine refuses rings of so many bytes; nil when it doesn't.
    private static func refusal(_ bench: Bench, _ bytes: Int) throws(ConformanceFailure) -> Refusal? {
        let setup = MachineSetup(
            memory: try bench.memory(), cpuCount: 1, extensions: .rv64gc, timebase: bench.timebase, dirtyRing: bytes)
        do throws(EngineError) {
            _ = try bench.engine.makeMachine(setup)
            return nil
        } catch {
            return error.refusal
        }
    }

    static let dirtyRing = [
        ConformanceCase("dirty ring: rings that there aren't are refused") { bench throws(ConformanceFailure) in
            let most = bench.engine.capability(.dirtyRing)
            func refuses(_ bytes: Int, _ wanted: Refusal) throws(ConformanceFailure) {
                let found = try refusal(bench, bytes)
                try require(found == wanted, "rings of \(bytes) bytes: " + named(found) + " instead of " + named(wanted))
            }
            if most == 0 {
                try refuses(4096, .unsupported)
            } else {
                for bytes in [0, 2048, 5000] { try refuses(bytes, .invalid) }
                try refuses(2 * most, .unsupported)
            }
            let guest = try bench.guest()
            try guest.refuses(.unsupported, "takeDirtyPages without a ring") { machine throws(EngineError) in
                _ = try machine.cpus[0].takeDirtyPages()
            }
        },
        ConformanceCase("dirty ring: names the pages in order, and there is no log beside", needs: [.dirtyRing]) { bench throws(ConformanceFailure) in
            let guest = try ringed(bench, bench.engine.capability(.dirtyRing))
            var program = GuestProgram()
            program.begin()
            for round in 0..<3 as Range<UInt64> {
                for page in [5, 2, 199, 2] as [UInt64] {
                    program.li(X.s0, movable + page << 12)
                    program.sd(X.s0, X.s0)
                }
                program.report(value: round)
            }
            program.end()
            try guest.load(program)
            try guest.report(0, "the program")
            try require(try guest.takeRing() == [], "the ring tells of writes that aren't logged")
            try guest.refuses(.missing, "takeWrites without logging") { machine throws(EngineError) in _ = try machine.takeWrites(slot: 1) }
            try guest.logWrites(1, true)
            for round in 1...2 as ClosedRange<UInt64> {
                try guest.report(round, "the program")
                let told = try guest.takeRing()
                try require(told == [5, 2, 199], "the ring has " + text(told) + " and not " + text([5, 2, 199]))
                try require(try guest.takeRing() == [], "the ring tells pages twice")
            }
            try guest.refuses(.unsupported, "takeWrites beside rings") { machine throws(EngineError) in _ = try machine.takeWrites(slot: 1) }
            try guest.done()
        },
        ConformanceCase("dirty ring: one that is full ends the run, and no page is lost", needs: [.dirtyRing]) { bench throws(ConformanceFailure) in
            // 256 entries or so, for 4096 pages.
            let guest = try ringed(bench, 4096)
            var program = GuestProgram()
            program.begin()
            program.li(X.s0, movable)
            program.li(X.s1, movable + pages << 12)
            program.li(X.s2, 4096)
            let loop = program.here()
            program.sd(X.s0, X.s0)
            program.emit(.add, rd: X.s0, rs1: X.s0, rs2: X.s2)
            program.branch(.bne, X.s0, X.s1, to: loop)
            program.end()
            try guest.load(program)
            try guest.logWrites(1, true)
            var told = [Bool](repeating: false, count: Int(pages))
            var fills = 0
            while true {
                let exit = try guest.run()
                for page in try guest.takeRing() where told.indices.contains(page) { told[page] = true }
                guard exit == .dirtyRingFull else {
                    try require(exit == .mmioWrite(address: Layout.done, width: 8, value: 0), text(exit) + " instead of the program's end")
                    break
                }
                fills += 1
            }
            try require(fills > 0, "a ring of 4096 bytes is never full")
            let count = told.reduce(0) { $0 + ($1 ? 1 : 0) }
            try require(count == told.count, "the ring told \(count) of \(pages) pages")
        },
    ]
}
