import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Memory-order litmus tests (unprivileged specification, "RVWMO Memory Consistency Model"): harts run the same
/// thousands of instances side by side, and outcomes that the model forbids must not be among them.
@Suite("Memory order", .serialized)
struct LitmusTests {
    static let instances: UInt64 = 16_000
    static let rounds = 5
    static let chunk: Int32 = 16
    /// Instance i's variables: x at 0, y at 64; a thread's results at 128 + 16 × thread, two words.
    static let stride: UInt64 = 256
    static let barrier = Guest.data - 0x100

    /// A thread's part of an instance, over x5 (the instance's address) with x10 = 1 and x11 = 2; results in x12
    /// and x13.
    typealias Body = @Sendable (inout Program) -> Void

    private func thread(_ number: Int, of count: Int, _ body: Body) -> Program {
        var p = Program()
        p.li(5, Guest.data)
        p.li(6, Guest.data + Self.stride * Self.instances)
        p.li(7, Self.barrier)
        p.li(14, Self.stride)
        p.emit(.addi, rd: 10, imm: 1)
        p.emit(.addi, rd: 11, imm: 2)
        p.emit(.addi, rd: 15, imm: 0)  // barrier's target
        let top = p.bytes.count
        // All harts begin a chunk together.
        p.emit(.addi, rd: 15, rs1: 15, imm: Int32(count))
        p.emit(.amoadd_d, rd: 0, rs1: 7, rs2: 10, aqrl: 3)
        let wait = p.bytes.count
        p.emit(.pause)
        p.emit(.ld, rd: 16, rs1: 7)
        p.loop(.blt, rs1: 16, rs2: 15, to: wait)
        p.emit(.fence, imm: 0xFF)
        p.emit(.addi, rd: 17, imm: Self.chunk)
        let again = p.bytes.count
        p.emit(.addi, rd: 12)
        p.emit(.addi, rd: 13)
        body(&p)
        p.emit(.sd, rs1: 5, rs2: 12, imm: Int32(128 + 16 * number))
        p.emit(.sd, rs1: 5, rs2: 13, imm: Int32(136 + 16 * number))
        p.emit(.add, rd: 5, rs1: 5, rs2: 14)
        p.emit(.addi, rd: 17, rs1: 17, imm: -1)
        p.loop(.bne, rs1: 17, to: again)
        p.loop(.bltu, rs1: 5, rs2: 6, to: top)
        p.emit(.ebreak)
        return p
    }

    /// Counts the instances whose results are `forbidden`; and makes sure that all ran.
    private func run(_ bodies: [Body], forbidden: ([(UInt64, UInt64)]) -> Bool) throws -> Int {
        var count = 0
        for _ in 0..<Self.rounds { count += try runOnce(bodies, forbidden: forbidden) }
        return count
    }

    private func runOnce(_ bodies: [Body], forbidden: ([(UInt64, UInt64)]) -> Bool) throws -> Int {
        let guest = try Guest(harts: bodies.count)
        for (i, body) in bodies.enumerated() { guest.load(thread(i, of: bodies.count, body), at: Guest.code + UInt64(i) * 0x1000) }
        inParallel(bodies.count) { i in
            #expect(guest.run(from: Guest.code + UInt64(i) * 0x1000, hart: i, kicks: 20_000).isBreakpoint)
        }
        #expect(guest[Self.barrier] == UInt64(bodies.count) * Self.instances / UInt64(Self.chunk))
        var count = 0
        for i in 0..<Self.instances {
            let at = Guest.data + i * Self.stride + 128
            var results: [(UInt64, UInt64)] = []
            for thread in 0..<UInt64(bodies.count) { results.append((guest[at + 16 * thread], guest[at + 16 * thread + 8])) }
            if forbidden(results) { count += 1 }
        }
        return count
    }

    private static let x: Int32 = 0, y: Int32 = 64
    private static let full: Body = { $0.emit(.fence, imm: 0x33) }
    private static let writes: Body = { $0.emit(.fence, imm: 0x11) }
    private static let reads: Body = { $0.emit(.fence, imm: 0x22) }
    private static func store(_ variable: Int32, _ register: UInt8 = 10) -> Body { { $0.emit(.sw, rs1: 5, rs2: register, imm: variable) } }
    private static func load(_ variable: Int32, to register: UInt8) -> Body { { $0.emit(.lw, rd: register, rs1: 5, imm: variable) } }
    private static func all(_ parts: Body...) -> Body { { p in for part in parts { part(&p) } } }

    @Test("message passing: fence w,w and fence r,r")
    func messagePassing() throws {
        let count = try run([
            Self.all(Self.store(Self.x), Self.writes, Self.store(Self.y)),
            Self.all(Self.load(Self.y, to: 12), Self.reads, Self.load(Self.x, to: 13)),
        ]) { $0[1] == (1, 0) }
        #expect(count == 0)
    }

    @Test("message passing: release and acquire")
    func releaseAcquire() throws {
        let count = try run([
            Self.all(Self.store(Self.x), { p in
                p.emit(.addi, rd: 18, rs1: 5, imm: Self.y)
                p.emit(.amoswap_w, rd: 0, rs1: 18, rs2: 10, aqrl: 1)
            }),
            { p in
                p.emit(.addi, rd: 18, rs1: 5, imm: Self.y)
                p.emit(.lr_w, rd: 12, rs1: 18, aqrl: 2)
                p.emit(.lw, rd: 13, rs1: 5, imm: Self.x)
            },
        ]) { $0[1] == (1, 0) }
        #expect(count == 0)
    }

    @Test("store buffering with full fences")
    func storeBuffering() throws {
        let count = try run([
            Self.all(Self.store(Self.x), Self.full, Self.load(Self.y, to: 12)),
            Self.all(Self.store(Self.y), Self.full, Self.load(Self.x, to: 12)),
        ]) { $0[0].0 == 0 && $0[1].0 == 0 }
        #expect(count == 0)
    }

    @Test("store buffering with fence w,r and with AMOs that acquire")
    func storeBufferingOthers() throws {
        let narrow: Body = { $0.emit(.fence, imm: 0x12) }
        let fenced = try run([
            Self.all(Self.store(Self.x), narrow, Self.load(Self.y, to: 12)),
            Self.all(Self.store(Self.y), narrow, Self.load(Self.x, to: 12)),
        ]) { $0[0].0 == 0 && $0[1].0 == 0 }
        #expect(fenced == 0)
        func swap(_ variable: Int32) -> Body {
            { p in
                p.emit(.addi, rd: 18, rs1: 5, imm: variable)
                p.emit(.amoswap_w, rd: 0, rs1: 18, rs2: 10, aqrl: 3)
            }
        }
        let atomic = try run([
            Self.all(swap(Self.x), Self.load(Self.y, to: 12)), Self.all(swap(Self.y), Self.load(Self.x, to: 12)),
        ]) { $0[0].0 == 0 && $0[1].0 == 0 }
        #expect(atomic == 0)
    }

    @Test("load buffering with full fences")
    func loadBuffering() throws {
        let count = try run([
            Self.all(Self.load(Self.x, to: 12), Self.full, Self.store(Self.y)),
            Self.all(Self.load(Self.y, to: 12), Self.full, Self.store(Self.x)),
        ]) { $0[0].0 == 1 && $0[1].0 == 1 }
        #expect(count == 0)
    }

    @Test("coherence: two loads of one place never go back (CoRR)")
    func coherence() throws {
        let count = try run([
            Self.all(Self.store(Self.x, 10), Self.store(Self.x, 11)),
            Self.all(Self.load(Self.x, to: 12), Self.load(Self.x, to: 13)),
        ]) { $0[1].0 > $0[1].1 }
        #expect(count == 0)
    }

    @Test("independent reads of independent writes, on four harts")
    func independentReads() throws {
        let count = try run([
            Self.store(Self.x), Self.store(Self.y),
            Self.all(Self.load(Self.x, to: 12), Self.full, Self.load(Self.y, to: 13)),
            Self.all(Self.load(Self.y, to: 12), Self.full, Self.load(Self.x, to: 13)),
        ]) { $0[2] == (1, 0) && $0[3] == (1, 0) }
        #expect(count == 0)
    }

    // ---- Contention

    private func contend(_ guest: Guest, rounds: UInt64, _ body: Body) {
        var p = Program()
        p.li(6, Guest.data)
        p.li(7, rounds)
        p.emit(.addi, rd: 10, imm: 1)
        let top = p.bytes.count
        body(&p)
        p.emit(.addi, rd: 7, rs1: 7, imm: -1)
        p.loop(.bne, rs1: 7, to: top)
        p.emit(.ebreak)
        guest.load(p)
        inParallel(4) { i in
            #expect(guest.run(hart: i, kicks: 20_000).isBreakpoint)
        }
    }

    @Test("AMOs and LR/SC on four harts lose no increment", arguments: [Instruction.amoadd_w, .amoadd_d, .lr_w, .lr_d])
    func counters(_ instruction: Instruction) throws {
        let guest = try Guest(harts: 4)
        let rounds: UInt64 = 30_000
        contend(guest, rounds: rounds) { p in
            switch instruction {
            case .amoadd_w, .amoadd_d: p.emit(instruction, rd: 5, rs1: 6, rs2: 10)
            default:
                let retry = p.bytes.count
                p.emit(instruction, rd: 5, rs1: 6)
                p.emit(.addi, rd: 5, rs1: 5, imm: 1)
                p.emit(instruction == .lr_w ? .sc_w : .sc_d, rd: 8, rs1: 6, rs2: 5)
                p.loop(.bne, rs1: 8, to: retry)
            }
        }
        #expect(guest[Guest.data] == 4 * rounds)
    }

    @Test("amomax, amoor and amoxor on four harts")
    func others() throws {
        let guest = try Guest(harts: 4)
        contend(guest, rounds: 20_000) { p in
            // Even rounds cancel out in the exclusive or; the largest round number stays in the maximum.
            p.emit(.addi, rd: 9, rs1: 6, imm: 64)
            p.emit(.amomaxu_d, rd: 5, rs1: 9, rs2: 7)
            p.emit(.addi, rd: 9, rs1: 6, imm: 128)
            p.emit(.amoxor_d, rd: 5, rs1: 9, rs2: 7)
            p.emit(.addi, rd: 9, rs1: 6, imm: 192)
            p.emit(.amoor_d, rd: 5, rs1: 9, rs2: 7)
        }
        #expect(guest[Guest.data + 64] == 20_000)
        #expect(guest[Guest.data + 128] == 0)
        #expect(guest[Guest.data + 192] == 0x7FFF)
    }

    @Test("a lock of LR/SC with acquire and release guards plain memory")
    func lock() throws {
        let guest = try Guest(harts: 4)
        let rounds: UInt64 = 10_000
        contend(guest, rounds: rounds) { p in
            let retry = p.bytes.count
            p.emit(.pause)
            p.emit(.lr_w, rd: 5, rs1: 6, aqrl: 2)
            p.loop(.bne, rs1: 5, to: retry)
            p.emit(.sc_w, rd: 5, rs1: 6, rs2: 10)
            p.loop(.bne, rs1: 5, to: retry)
            for place: Int32 in [64, 128] {
                p.emit(.ld, rd: 8, rs1: 6, imm: place)
                p.emit(.addi, rd: 8, rs1: 8, imm: 1)
                p.emit(.sd, rs1: 6, rs2: 8, imm: place)
            }
            p.emit(.amoswap_w, rd: 0, rs1: 6, rs2: 0, aqrl: 1)
        }
        #expect(guest[Guest.data + 64] == 4 * rounds && guest[Guest.data + 128] == 4 * rounds)
    }
}
