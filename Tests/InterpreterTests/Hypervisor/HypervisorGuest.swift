import ExecutionEngine
import Interpreter
import RISCV

/// The five modes of a hart with H.
enum Mode: CaseIterable {
    case u, hs, m, vu, vs

    var privilege: Privilege {
        switch self {
        case .u, .vu: .user
        case .hs, .vs: .supervisor
        case .m: .machine
        }
    }
    var isVirtual: Bool { self == .vu || self == .vs }
    static let guests: [Mode] = [.vu, .vs]
}

extension Extensions {
    /// Everything but the AIA, which has tests of its own.
    static var hypervisor: Extensions {
        InterpreterEngine.extensions.subtracting([.smaia, .ssaia]).union([.h, .shcounterenw, .shgatpa, .shtvala, .shvsatpa, .shvstvala, .shvstvecd])
    }
    static var withoutHypervisor: Extensions {
        InterpreterEngine.extensions.subtracting([.smaia, .ssaia, .h, .shcounterenw, .shgatpa, .shtvala, .shvsatpa, .shvstvala, .shvstvecd])
    }
}

extension Guest {
    /// A hart with H whose traps all reach M-mode until a test delegates them, with nothing closed by M-mode.
    static func hypervisor(
        harts: Int = 1, extensions: Extensions = .hypervisor, imsic: IMSICSetup? = nil
    ) throws -> Guest {
        let guest = try Guest(harts: harts, extensions: extensions, imsic: imsic)
        for hart in guest.machine.harts {
            hart[.vstvec] = Guest.supervisorVector
            hart[.mcounteren] = 0xFFFF_FFFF
            hart[.mstateen0] = ~0
            hart[.mstatus] = MStatus.FS
            hart[.vsstatus] = MStatus.FS
        }
        return guest
    }

    func run(from pc: UInt64 = Guest.code, in mode: Mode, hart number: Int = 0, kicks: Int = 400) -> Outcome {
        let hart = machine.harts[number]
        hart.pc = pc
        if hart.mode != mode.privilege || hart.virtual { hart.mode = mode.privilege }
        if mode.isVirtual { hart.virtual = true }
        return resume(hart: number, kicks: kicks)
    }

    /// Where the last trap came from.
    var trappedMode: Mode {
        let status = hart[.mstatus]
        let virtual = status & MStatus.MPV != 0
        switch status >> MStatus.MPPShift & 3 {
        case 0: return virtual ? .vu : .u
        case 1: return virtual ? .vs : .hs
        default: return .m
        }
    }
}
