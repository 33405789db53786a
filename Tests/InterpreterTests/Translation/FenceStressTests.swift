import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Random address spaces that change under random, sufficient fences: whatever is kept between accesses, links
/// and tables of pages among it, every access has to see the mapping as it is.
@Suite("Translations under random changes")
struct FenceStressTests {
    struct Mapping: Equatable {
        /// First page of the target in `pages`; nil is unmapped.
        var page: Int?
        var bits: UInt64
    }

    static let firstPage = Guest.base + 0x40_0000
    static let pageCount = 1024
    static let spaceCount = 11
    static let supervisorCode: UInt64 = 0xFFFF_FFC0_0000_0000
    static let userCode: UInt64 = 0xFFFF_FFC0_0000_1000

    /// Pages of 4 KiB that fall on top of each other in direct-mapped tables, neighbours, and 2 MiB ones.
    static let small: [UInt64] = {
        var all: [UInt64] = []
        for i in 0..<6 as Range<UInt64> {
            all.append(0x1000_0000 + i * 0x1000)
            all.append(0x1020_0000 + i * 0x1000)
            all.append(0x1800_0000 + i * 0x40_1000)
        }
        return all
    }()
    static let large: [UInt64] = [0x2000_0000, 0x2020_0000, 0x6000_0000]

    private final class World {
        let guest: Guest
        var random: Random
        var tables: [PageTables] = []
        /// By space, then by address; global ones are the same in all.
        var mappings: [[UInt64: Mapping]]
        let globals: Set<UInt64>
        var failures = Failures()
        var accesses = 0

        init(seed: UInt64) throws {
            guest = try Guest()
            random = Random(seed)
            var chosen = Set<UInt64>()
            for va in FenceStressTests.small + FenceStressTests.large where random.below(3) == 0 { chosen.insert(va) }
            globals = chosen
            mappings = Array(repeating: [:], count: spaceCount)
            for i in 0..<pageCount {
                // At 0: answer in a0 and return. At 0x100: answer in a1 and go on to the next page by a direct jump.
                let at = firstPage + UInt64(i) << 12
                var program = Program()
                program.emit(.addi, rd: 10, imm: Int32(i))
                program.emit(.jalr, rs1: 1)
                guest.write(program.bytes, at: at)
                var chain = Program()
                chain.emit(.addi, rd: 11, imm: Int32(i))
                chain.emit(.jal, imm: 0x1000 - 0x104)
                guest.write(chain.bytes, at: at + 0x100)
                guest[at + 0x800] = UInt64(i)
            }
            var program = Program()
            program.emit(.ld, rd: 10, rs1: 6, imm: 0x700)  // 0
            program.emit(.ebreak)
            program.emit(.sd, rs1: 6, rs2: 7, imm: 0x700)  // 8
            program.emit(.ebreak)
            program.emit(.jalr, rd: 1, rs1: 6)  // 16
            program.emit(.ebreak)
            program.emit(.sfence_vma)  // 24
            program.emit(.ebreak)
            program.emit(.sfence_vma, rs1: 6)  // 32
            program.emit(.ebreak)
            program.emit(.sfence_vma, rs2: 7)  // 40
            program.emit(.ebreak)
            program.emit(.sfence_vma, rs1: 6, rs2: 7)  // 48
            program.emit(.ebreak)
            guest.load(program, at: Guest.code)
            for i in 0..<spaceCount {
                let mode: TranslationMode = [.sv39, .sv48, .sv57][i % 3]
                var table = PageTables(guest, mode, at: Guest.tables + UInt64(i) * 0x2_0000)
                table.map(supervisorCode, to: Guest.code, PageTables.all | (i % 2 == 0 ? PTE.G : 0))
                table.map(userCode, to: Guest.code, PageTables.all | PTE.U)
                for va in FenceStressTests.small { _ = table.slot(va) }
                tables.append(table)
            }
        }

        func asid(_ space: Int) -> UInt64 { UInt64(space) + 1 }

        func change() {
            let isLarge = random.below(6) == 0
            let va = (isLarge ? FenceStressTests.large : FenceStressTests.small).randomElement(using: &random)!
            let isGlobal = globals.contains(va)
            let space = Int(random.below(UInt64(spaceCount)))
            var mapping = Mapping(page: nil, bits: 0)
            if random.below(5) != 0 {
                mapping.page = isLarge ? Int(random.below(2)) * 512 : Int(random.below(UInt64(pageCount)))
                mapping.bits = PTE.V | PTE.R | PTE.A
                if random.below(4) != 0 { mapping.bits |= PTE.W | PTE.D }
                if random.below(4) != 0 { mapping.bits |= PTE.X }
                if random.below(3) == 0 { mapping.bits |= PTE.U }
                if isGlobal { mapping.bits |= PTE.G }
            }
            for one in isGlobal ? 0..<spaceCount : space..<space + 1 {
                mappings[one][va] = mapping
                let slot = tables[one].slot(va, level: isLarge ? 1 : 0)
                guest[slot] = mapping.page.map { PageTables.entry(firstPage + UInt64($0) << 12, mapping.bits) } ?? 0
            }
            // Any fence that orders it; a global mapping isn't covered by an ASID.
            let inside = va + (isLarge ? random.below(0x20_0000) : random.below(0x1000))
            var choices: [UInt64] = [24, 32, 32, 32]
            if !isGlobal { choices += [40, 48, 48] }
            guest.hart.setX(6, inside)
            guest.hart.setX(7, asid(space))
            let where_ = Int(random.below(UInt64(spaceCount)))
            guest.hart[.satp] = tables[where_].satp(asid: asid(where_))
            let offset = choices.randomElement(using: &random)!
            let outcome = random.below(2) == 0
                ? guest.run(from: Guest.code + offset) : guest.run(from: supervisorCode + offset, in: .supervisor)
            failures.check(outcome.isBreakpoint, "fence: \(outcome)")
        }

        private func find(_ space: Int, _ va: UInt64) -> (mapping: Mapping, page: Int)? {
            for (base, mapping) in mappings[space] {
                let size: UInt64 = FenceStressTests.large.contains(base) ? 0x20_0000 : 0x1000
                if va >= base, va < base + size, let first = mapping.page { return (mapping, first + Int((va - base) >> 12)) }
            }
            return nil
        }

        func access(_ space: Int) {
            accesses += 1
            var va = FenceStressTests.small.randomElement(using: &random)!
            if random.below(4) == 0 { va = FenceStressTests.large.randomElement(using: &random)! + random.below(512) << 12 }
            let user = random.below(2) == 0
            let sum = random.below(3) == 0
            guest.hart[.satp] = tables[space].satp(asid: asid(space))
            guest.hart[.mstatus] = sum ? MStatus.SUM : 0
            let kind = random.below(4)
            let code = (user ? userCode : supervisorCode)
            let mode: Privilege = user ? .user : .supervisor
            func allowed(_ found: (mapping: Mapping, page: Int)?, _ right: UInt64) -> Bool {
                guard let bits = found?.mapping.bits, bits & right != 0 else { return false }
                return user ? bits & PTE.U != 0 : bits & PTE.U == 0 || (sum && right != PTE.X)
            }
            let found = find(space, va)
            let name = "space \(space) \(hex(va)) user \(user) sum \(sum)"
            switch kind {
            case 0, 1:
                guest.hart.setX(6, va + 0x100)
                guest.hart.setX(7, UInt64(found?.page ?? 0))
                let pc = code + kind * 8
                let outcome = guest.run(from: pc, in: mode)
                if allowed(found, kind == 0 ? PTE.R : PTE.W) {
                    failures.check(outcome == .exception(.breakpoint, pc + 4, pc + 4, mode), "\(name): \(outcome)")
                    // A store of what stands there: the wrong page would show in its next load.
                    if kind == 0 { failures.check(guest.hart.x(10) == UInt64(found!.page), "\(name): load from \(guest.hart.x(10)), not \(found!.page)") }
                } else {
                    failures.check(outcome == .exception(kind == 0 ? .loadPageFault : .storePageFault, va + 0x800, pc, mode), "\(name): \(outcome)")
                }
            default:
                // A call, or a call that goes on to the next page.
                let chained = kind == 3
                guest.hart.setX(6, va + (chained ? 0x100 : 0))
                let outcome = guest.run(from: code + 16, in: mode)
                let second = chained ? find(space, va + 0x1000) : found
                if !allowed(found, PTE.X) {
                    let at = va + (chained ? 0x100 : 0)
                    failures.check(outcome == .exception(.instructionPageFault, at, at, mode), "\(name): \(outcome)")
                } else if !allowed(second, PTE.X) {
                    failures.check(outcome == .exception(.instructionPageFault, va + 0x1000, va + 0x1000, mode), "\(name) chained: \(outcome)")
                } else {
                    failures.check(outcome.isBreakpoint, "\(name): \(outcome)")
                    failures.check(guest.hart.x(10) == UInt64(second!.page), "\(name): code of \(guest.hart.x(10)), not \(second!.page)")
                    if chained { failures.check(guest.hart.x(11) == UInt64(found!.page), "\(name): code of \(guest.hart.x(11)), not \(found!.page)") }
                }
            }
        }
    }

    @Test("every access sees the mapping as it is", arguments: 1...6)
    func random(_ seed: Int) throws {
        let world = try World(seed: UInt64(seed))
        for _ in 0..<60 { world.change() }
        for _ in 0..<2500 {
            let space = Int(world.random.below(UInt64(Self.spaceCount)))
            for _ in 0..<world.random.below(12) { world.access(world.random.below(3) == 0 ? Int(world.random.below(UInt64(Self.spaceCount))) : space) }
            world.change()
        }
        #expect(world.failures.count == 0, "\(world.failures.summary)")
        #expect(world.accesses > 10_000)
    }
}
