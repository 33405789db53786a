import CHost
import ExecutionEngine
import GuestMemory
import Interpreter
import RISCV
import Testing

/// Why a program on a `Guest` ended.
enum Outcome: Equatable {
    /// A trap reached M-mode. `mode` is the mode it came from.
    case trap(cause: UInt64, value: UInt64, pc: UInt64, mode: Privilege)
    /// Something that a test has to answer or to judge.
    case exit(Exit)
    /// Neither within the budget.
    case endless

    static func exception(_ cause: Exception, _ value: UInt64, _ pc: UInt64, _ mode: Privilege = .machine) -> Outcome {
        .trap(cause: cause.rawValue, value: value, pc: pc, mode: mode)
    }

    var cause: UInt64? {
        if case .trap(let cause, _, _, _) = self { return cause }
        return nil
    }
    var isBreakpoint: Bool { cause == Exception.breakpoint.rawValue }
}

/// A bare machine with a place for everything a test needs. Programs end with `ebreak`: traps that reach M-mode
/// end a run, and those delegated to S-mode arrive there and come on by an ecall.
final class Guest: @unchecked Sendable {
    static let base = BareMachine.base
    /// Where M-mode's traps arrive: one store out of RAM.
    static let machineVector = base
    /// Where S-mode's do: an ecall.
    static let supervisorVector = base + 0x100
    static let code = base + 0x8000
    static let data = base + 0x10_0000
    static let tables = base + 0x20_0000
    /// No RAM there. The machine vector stores to it.
    static let trapPort: UInt64 = 8
    static let ramSize: UInt64 = 8 << 20

    let machine: BareMachine
    let hart: BareHart

    init(
        harts: Int = 1, extensions: Extensions = .withoutHypervisor, answersSBI: Bool = false, imsic: IMSICSetup? = nil
    ) throws {
        machine = try BareMachine(
            harts: harts, extensions: extensions, ram: Self.ramSize, answersSBI: answersSBI, imsic: imsic)
        hart = machine.harts[0]
        if answersSBI { return }
        var vector = Program()
        vector.emit(.sb, rs1: 0, rs2: 0, imm: Int32(Self.trapPort))
        write(vector.bytes, at: Self.machineVector)
        var supervisor = Program()
        supervisor.emit(.ecall)
        write(supervisor.bytes, at: Self.supervisorVector)
        for hart in machine.harts {
            hart.setCSR(.mtvec, Self.machineVector)
            hart.setCSR(.stvec, Self.supervisorVector)
        }
    }

    // ---- Memory

    func host(_ address: UInt64, _ count: UInt64) -> UnsafeMutableRawPointer {
        machine.memory.pointer(address, count: count)!
    }
    func write(_ bytes: [UInt8], at address: UInt64) {
        let p = host(address, UInt64(bytes.count))
        for (i, byte) in bytes.enumerated() { p.storeBytes(of: byte, toByteOffset: i, as: UInt8.self) }
    }
    func fill(_ address: UInt64, _ count: UInt64, _ byte: UInt8) { host_fill(host(address, count), Int32(byte), Int(count)) }
    func bytes(_ address: UInt64, _ count: UInt64) -> [UInt8] {
        let p = host(address, count)
        return (0..<Int(count)).map { p.load(fromByteOffset: $0, as: UInt8.self) }
    }
    subscript(_ address: UInt64) -> UInt64 {
        get { host(address, 8).loadUnaligned(as: UInt64.self) }
        set { host(address, 8).storeBytes(of: newValue, as: UInt64.self) }
    }

    /// Puts a program somewhere; the hart finds out at once.
    func load(_ program: Program, at address: UInt64 = Guest.code) {
        write(program.bytes, at: address)
        hart.fenceInstruction()
    }

    // ---- Running

    /// Runs from `pc` until a trap reaches M-mode or something else ends it.
    func run(
        from pc: UInt64 = Guest.code, in mode: Privilege = .machine, hart number: Int = 0, kicks: Int = 400
    ) -> Outcome {
        let hart = machine.harts[number]
        hart.pc = pc
        if hart.mode != mode { hart.mode = mode }
        return resume(hart: number, kicks: kicks)
    }

    /// Goes on after an exit with its answer. Kicks come every millisecond or so; the budget is five times `kicks`.
    func resume(_ answer: ExitAnswer = .none, hart number: Int = 0, kicks: Int = 400) -> Outcome {
        let hart = machine.harts[number]
        var answer = answer
        let watch = Watchdog.shared.watch(hart)
        defer { Watchdog.shared.release(watch) }
        for _ in 0..<kicks * 5 {
            let exit = hart.run(answer)
            answer = .none
            if case .interrupted = exit { continue }
            if exit == .mmioWrite(address: Self.trapPort, width: 1, value: 0), hart.mode == .machine {
                // Completes the vector's store, so that counts don't depend on what a test does next.
                hart.pc = hart[.mepc]
                return .trap(
                    cause: hart[.mcause], value: hart[.mtval], pc: hart[.mepc],
                    mode: Privilege(rawValue: UInt8(hart[.mstatus] >> 11 & 3))!)
            }
            return .exit(exit)
        }
        return .endless
    }
}

extension BareHart {
    subscript(_ csr: CSR) -> UInt64 {
        get { self.csr(csr.rawValue) ?? 0xDEAD_DEAD_DEAD_DEAD }
        set { setCSR(csr.rawValue, newValue) }
    }
    func setCSR(_ csr: CSR, _ value: UInt64) { setCSR(csr.rawValue, value) }
}
