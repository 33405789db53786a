import ExecutionEngine
import Interpreter
import RISCV

extension Extensions {
    /// Everything with H and the AIA.
    static var aia: Extensions { hypervisor.union([.smaia, .ssaia]) }
}

/// The interrupt files that a register window reaches.
enum FileLevel: CaseIterable {
    case machine, supervisor, guest

    var select: CSR {
        switch self {
        case .machine: .miselect
        case .supervisor: .siselect
        case .guest: .vsiselect
        }
    }
    var register: CSR {
        switch self {
        case .machine: .mireg
        case .supervisor: .sireg
        case .guest: .vsireg
        }
    }
    var top: CSR {
        switch self {
        case .machine: .mtopei
        case .supervisor: .stopei
        case .guest: .vstopei
        }
    }
}

extension IMSICSetup {
    static let test = IMSICSetup(
        supervisorBase: 0x2800_0000, supervisorStride: 0x8000, machineBase: 0x2400_0000, guestFiles: 7, identities: 255)

    func page(_ level: FileLevel, hart: UInt64 = 0, guest: UInt64 = 1) -> UInt64 {
        switch level {
        case .machine: machineBase! + hart * 4096
        case .supervisor: supervisorBase + hart * supervisorStride
        case .guest: supervisorBase + hart * supervisorStride + guest * 4096
        }
    }
}

extension Guest {
    static func aia(harts: Int = 1, imsic: IMSICSetup? = .test) throws -> Guest {
        let guest = try Guest.hypervisor(harts: harts, extensions: .aia, imsic: imsic)
        for hart in guest.machine.harts {
            hart[.hstateen0] = ~0
            hart[.henvcfg] = 0
        }
        return guest
    }

    func msi(_ address: UInt64, _ identity: UInt32) -> Bool { machine.boundary.sendMSI(address: address, data: identity) }
}

extension BareHart {
    /// A register behind a select register, as M-mode reaches it.
    subscript(_ level: FileLevel, _ number: UInt64) -> UInt64 {
        get {
            self[level.select] = number
            return self[level.register]
        }
        set {
            self[level.select] = number
            self[level.register] = newValue
        }
    }

    /// Has a file take and deliver every identity.
    func open(_ level: FileLevel, delivery: UInt64 = 1, threshold: UInt64 = 0) {
        self[level, 0x70] = delivery
        self[level, 0x72] = threshold
        for k in stride(from: 0xC0 as UInt64, through: 0xFE, by: 2) { self[level, k] = ~0 }
    }

    /// Has hstatus.VGEIN name a guest interrupt file.
    func selectGuest(_ number: UInt64) { self[.hstatus] = self[.hstatus] & ~HStatus.VGEIN | number << 12 }
}

/// AIA 1.0, table "The standard major interrupt codes, listed in default priority order", with the note's plan for the
/// numbers that are reserved.
enum AIAOrder {
    static let standard: [UInt64] = [11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13]
    static let above: [UInt64] = [47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40]
    static let below: [UInt64] = [39, 19, 38, 37, 18, 36, 35, 17, 34, 33, 16, 32]
    static let all = above + standard + below
}

/// What the specification says of one set of pending-and-enabled interrupts of a level.
struct TopOracle {
    /// The level's own external interrupt, and the priority number that its controller gives it.
    var external: UInt64
    var externalPriority: UInt64
    /// Priority numbers of the others; 0 is the default order.
    var priorities: [UInt64: UInt64] = [:]

    private func isAbove(_ one: UInt64, _ other: UInt64) -> Bool {
        AIAOrder.all.firstIndex(of: one)! < AIAOrder.all.firstIndex(of: other)!
    }

    private func priority(_ n: UInt64) -> UInt64 { n == external ? externalPriority : priorities[n] ?? 0 }

    /// Rows of the tables "Effect of the machine-level iprio array" and its like for S-mode, top to bottom.
    private func row(_ n: UInt64) -> UInt64 {
        let p = priority(n)
        if p != 0 { return p }
        return isAbove(n, external) ? 0 : UInt64.max
    }

    /// The value of `*topi`.
    func top(_ ready: [UInt64]) -> UInt64 {
        guard let first = ready.min(by: { (row($0), AIAOrder.all.firstIndex(of: $0)!) < (row($1), AIAOrder.all.firstIndex(of: $1)!) })
        else { return 0 }
        let p = priority(first)
        return first << 16 | (p == 0 ? (isAbove(first, external) ? 0 : 255) : min(p, 255))
    }
}

extension Array where Element == UInt64 {
    var bits: UInt64 { reduce(0) { $0 | 1 << $1 } }
}
