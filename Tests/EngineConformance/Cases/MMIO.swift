import ExecutionEngine
import GuestMemory
import RISCV

/// A load or store of the base set.
struct Access: Sendable {
    let instruction: Instruction
    let width: Int
    let signed: Bool
    /// The one through the register that it loads.
    var isLast = false

    static let word = Access(instruction: .lw, width: 4, signed: true, isLast: true)
    static let loads = [
        Access(instruction: .lb, width: 1, signed: true), Access(instruction: .lbu, width: 1, signed: false),
        Access(instruction: .lh, width: 2, signed: true), Access(instruction: .lhu, width: 2, signed: false),
        Access(instruction: .lw, width: 4, signed: true), Access(instruction: .lwu, width: 4, signed: false),
        Access(instruction: .ld, width: 8, signed: true),
    ]
    static let stores = [
        Access(instruction: .sb, width: 1, signed: false), Access(instruction: .sh, width: 2, signed: false),
        Access(instruction: .sw, width: 4, signed: false), Access(instruction: .sd, width: 8, signed: false),
    ]

    /// The low bytes alone.
    static func low(_ value: UInt64, _ width: Int) -> UInt64 { width == 8 ? value : value & (1 << UInt64(8 * width) - 1) }

    /// What a register holds after a load of `value`.
    func loaded(_ value: UInt64) -> UInt64 {
        let low = Access.low(value, width)
        guard signed, width < 8, low >> UInt64(8 * width - 1) != 0 else { return low }
        return low | ~(1 << UInt64(8 * width) - 1)
    }
}

extension ConformanceCase {
    /// `found` shall be `data` as the access loads it.
    private static func check(_ found: UInt64, _ data: UInt64, _ access: Access, _ what: String) throws(ConformanceFailure) {
        let wanted = access.loaded(data)
        if found == wanted { return }
        let text = what + " after a load of \(access.width) bytes is " + hex(found) + " and not " + hex(wanted)
        throw ConformanceFailure(text, fault: found == Access.low(data, access.width) ? .unsignedLoads : nil)
    }

    /// Loads of every width, signed or not, into x1 to x31, with the address in another register and in the same.
    private static func loads(_ bench: Bench, _ data: UInt64) throws(ConformanceFailure) {
        let guest = try bench.guest()
        var program = GuestProgram()
        for rd in UInt8(1)..<32 {
            let base = rd == X.t0 ? X.t1 : X.t0
            let port = rd == X.t2 ? X.t1 : X.t2
            for access in Access.loads {
                program.li(base, Layout.device)
                program.li(port, Layout.report)
                program.emit(access.instruction, rd: rd, rs1: base)
                program.sd(rd, port)
            }
            program.li(rd, Layout.device + 8)
            program.emit(.lw, rd: rd, rs1: rd)
            program.li(port, Layout.report)
            program.sd(rd, port)
        }
        try guest.load(program)
        var fault: ConformanceFailure?
        for rd in 1..<32 {
            for access in Access.loads + [.word] {
                let address = access.isLast ? Layout.device + 8 : Layout.device
                try guest.expect(.mmioRead(address: address, width: access.width), "x\(rd)")
                let found = try guest.report(after: .data(data), "x\(rd)")
                do throws(ConformanceFailure) {
                    try check(found, data, access, "x\(rd)")
                } catch {
                    // A known one hides none of the others.
                    guard error.fault != nil else { throw error }
                    fault = error
                }
            }
        }
        if let fault { throw fault }
    }

    static let mmioLoads = [
        ConformanceCase("mmio: loads of every width into every register") { bench throws(ConformanceFailure) in
            try loads(bench, 0x7172_7374_7576_7778)
        },
        ConformanceCase("mmio: loads of every width extend the sign") { bench throws(ConformanceFailure) in
            // The sign bit of every width is set; the bits above it are the answer's, and nobody's.
            try loads(bench, 0x8182_8384_8586_8788)
        },
        ConformanceCase("mmio: a load into x0 leaves it alone") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, Layout.device)
            program.ld(X.zero, X.t0)
            program.mv(X.t1, X.zero)
            program.report(X.t1)
            program.report(X.zero)
            program.end()
            try guest.load(program)
            try guest.expect(.mmioRead(address: Layout.device, width: 8))
            try guest.report(0, after: .data(0x4242), "a copy of x0 after a load into it")
            let stored = try guest.report("a store of x0")
            if stored != 0 { throw ConformanceFailure("x0 stores " + hex(stored), fault: stored == 0x4242 ? .loadedZero : nil) }
            try guest.done()
        },
        ConformanceCase("mmio: compressed loads") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            for rd in UInt16(0)..<8 {
                // c.lw and c.ld rd', 8(rs1'), with the base in another of x8 to x15.
                let base: UInt16 = rd == 1 ? 2 : 1
                for opcode in [UInt16(0x4000), 0x6000] {
                    program.li(X.s0 + UInt8(base), Layout.device)
                    program.half(opcode | 1 << 10 | base << 7 | rd << 2)
                    program.report(X.s0 + UInt8(rd))
                }
            }
            for rd in [UInt8(1), 5, 10, 31] {
                // c.lwsp and c.ldsp rd, 8(sp)
                program.li(X.sp, Layout.device)
                program.half(0x4002 | UInt16(rd) << 7 | 2 << 4)
                program.report(rd)
                program.half(0x6002 | UInt16(rd) << 7 | 1 << 5 | 0 << 4)
                program.report(rd)
            }
            program.end()
            try guest.load(program)
            let data: UInt64 = 0x8182_8384_8586_8788
            var fault: ConformanceFailure?
            for _ in 0..<12 {
                try guest.expect(.mmioRead(address: Layout.device + 8, width: 4), "a compressed load of a word")
                let found = try guest.report(after: .data(data), "the register")
                do throws(ConformanceFailure) {
                    try check(found, data, .word, "the register")
                } catch {
                    guard error.fault != nil else { throw error }
                    fault = error
                }
                let exit = try guest.run()
                guard case .mmioRead(let address, 8) = exit, address == Layout.device + 8 else {
                    throw ConformanceFailure(text(exit) + " for a compressed load of 8 bytes")
                }
                try guest.report(data, after: .data(data), "the register")
            }
            try guest.done()
            if let fault { throw fault }
        },
        ConformanceCase("mmio: addresses are physical ones") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            guest.mapGiants()
            var program = GuestProgram()
            program.begin()
            program.turnOnPaging()
            program.li(X.t0, Guest.lowAlias + Layout.device)
            program.emit(.lwu, rd: X.t1, rs1: X.t0, imm: 4)
            program.report(X.t1)
            program.emit(.sh, rs1: X.t0, rs2: X.t1, imm: -2)
            program.end()
            try guest.load(program)
            try guest.expect(.mmioRead(address: Layout.device + 4, width: 4))
            try guest.report(0x8765_4321, after: .data(0x8765_4321), "the register")
            try guest.expect(.mmioWrite(address: Layout.device - 2, width: 2, value: 0x4321))
            try guest.done()
        },
        ConformanceCase("mmio: from user mode") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.enterUser()
            program.li(X.t0, Layout.device)
            program.emit(.lhu, rd: X.t1, rs1: X.t0, imm: 6)
            program.report(X.t1)
            program.emit(.ecall)
            try guest.load(program)
            try guest.expect(.mmioRead(address: Layout.device + 6, width: 2))
            try guest.report(0xFFFE, after: .data(0xFFFE), "the register")
            try guest.trap(Cause.userCall, value: 0)
        },
    ]

    static let mmioStores = [
        ConformanceCase("mmio: stores of every width from every register") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let data: UInt64 = 0x8182_8384_8586_8788
            var program = GuestProgram()
            for rs in UInt8(0)..<32 {
                let base = rs == X.t0 ? X.t1 : X.t0
                program.li(base, Layout.device)
                if rs != 0 { program.li(rs, data + UInt64(rs)) }
                for (i, access) in Access.stores.enumerated() {
                    program.emit(access.instruction, rs1: base, rs2: rs, imm: Int32(8 * i) - 16)
                }
            }
            program.li(X.t0, Layout.device)
            program.sd(X.t0, X.t0)
            try guest.load(program)
            for rs in UInt64(0)..<32 {
                for (i, access) in Access.stores.enumerated() {
                    let exit = try guest.run()
                    guard case .mmioWrite(let address, access.width, let value) = exit, address == Layout.device &+ UInt64(8 * i) &- 16 else {
                        throw ConformanceFailure(text(exit) + " for a store of \(access.width) bytes from x\(rs)")
                    }
                    let wanted = rs == 0 ? 0 : data + rs
                    try same(Access.low(value, access.width), Access.low(wanted, access.width), "x\(rs) in a store of \(access.width) bytes")
                }
            }
            try guest.expect(.mmioWrite(address: Layout.device, width: 8, value: Layout.device), "a store of the address itself")
        },
        ConformanceCase("mmio: compressed stores") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let data: UInt64 = 0x8182_8384_8586_8788
            var program = GuestProgram()
            program.begin()
            for rs in UInt16(0)..<8 {
                let base: UInt16 = rs == 1 ? 2 : 1
                program.li(X.s0 + UInt8(base), Layout.device)
                program.li(X.s0 + UInt8(rs), data + UInt64(rs))
                // c.sw and c.sd rs2', 8(rs1')
                program.half(0xC000 | 1 << 10 | base << 7 | rs << 2)
                program.half(0xE000 | 1 << 10 | base << 7 | rs << 2)
            }
            program.li(X.sp, Layout.device)
            program.li(X.t6, data + 31)
            // c.swsp and c.sdsp t6, 8(sp)
            program.half(0xC002 | 2 << 9 | 31 << 2)
            program.half(0xE002 | 1 << 10 | 31 << 2)
            program.end()
            try guest.load(program)
            for rs in [UInt64(0), 1, 2, 3, 4, 5, 6, 7, 31] {
                try guest.expect(.mmioWrite(address: Layout.device + 8, width: 4, value: (data + rs) & 0xFFFF_FFFF), "a compressed store of a word")
                try guest.expect(.mmioWrite(address: Layout.device + 8, width: 8, value: data + rs), "a compressed store of 8 bytes")
            }
            try guest.done()
        },
    ]
}

extension Guest {
    /// satp for the table of `mapGiants`: Sv39.
    static let satp: UInt64 = 8 << 60 | Layout.tables >> 12
    /// Where physical addresses from 0 appear once more, for supervisor mode.
    static let lowAlias: UInt64 = 1 << 30
    /// Where RAM appears once more, for user mode.
    static let userRAM: UInt64 = 3 << 30
    /// Where physical addresses from 0 appear for user mode.
    static let userLow: UInt64 = 4 << 30

    /// A table of 1 GiB pages: the first three as they are, with the aliases above.
    func mapGiants() {
        // D A U X W R V
        let supervisor: UInt64 = 0b1100_1111, user: UInt64 = 0b1101_1111
        func leaf(_ physical: UInt64, _ bits: UInt64) -> UInt64 { (physical >> 12) << 10 | bits }
        self[Layout.tables] = leaf(0, supervisor)
        self[Layout.tables + 8] = leaf(0, supervisor)
        self[Layout.tables + 16] = leaf(2 << 30, supervisor)
        self[Layout.tables + 24] = leaf(2 << 30, user)
        self[Layout.tables + 32] = leaf(0, user)
    }
}
