import CHost
import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// AIA 1.0, chapter "Incoming MSI Controller (IMSIC)".
@Suite("Interrupt files")
struct InterruptFileTests {
    private static func top(_ identity: UInt64) -> UInt64 { identity << 16 | identity }

    /// A machine whose hart 0 has the file of `level` open.
    private static func opened(_ level: FileLevel) throws -> Guest {
        let guest = try Guest.aia()
        guest.hart.selectGuest(1)
        guest.hart.open(level)
        return guest
    }

    @Test("registers", arguments: FileLevel.allCases, [63, 191, 255, 2047])
    func registers(_ level: FileLevel, _ identities: Int) throws {
        let setup = IMSICSetup(
            supervisorBase: 0x2800_0000, supervisorStride: 0x2000, machineBase: 0x2400_0000, guestFiles: 1, identities: identities)
        let h = try Guest.aia(imsic: setup).hart
        h.selectGuest(1)
        // 0x40000000 is for an APLIC beside the file, which there isn't.
        for (value, want) in [(1, 1), (0, 0), (3, 1), (0x4000_0000, 0)] as [(UInt64, UInt64)] {
            h[level, 0x70] = value
            #expect(h[level, 0x70] == want)
        }
        for value in [0, 1, UInt64(identities)] {
            h[level, 0x72] = value
            #expect(h[level, 0x72] == value)
        }
        h[level, 0x72] = 0
        for number in [0x71] + Array(0x73...0x7F) as [UInt64] {
            h[level, number] = ~0
            #expect(h[level, number] == 0)
        }
        for k in 0..<64 as Range<UInt64> {
            for base in [0x80, 0xC0] as [UInt64] {
                h[level.select] = base + k
                if k % 2 == 1 {
                    #expect(h.csr(level.register.rawValue) == nil && !h.setCSR(level.register.rawValue, 0))
                    continue
                }
                h[level.register] = ~0
                // "Bit positions ... that don't correspond to a supported interrupt identity (such as bit 0 of eip0) are
                // read-only zeros."
                let want: UInt64 = k == 0 ? ~1 : k * 32 <= UInt64(identities) ? ~0 : 0
                #expect(h[level.register] == want, "\(hex(base + k))")
            }
        }
    }

    @Test("claims come in order of identities, under the threshold", arguments: FileLevel.allCases)
    func claims(_ level: FileLevel) throws {
        let guest = try Self.opened(level)
        let h = guest.hart
        let page = IMSICSetup.test.page(level)
        var random = Random(5)
        for round in 0..<200 {
            let identities = Set((0..<random.below(12)).map { _ in 1 + random.below(255) })
            let threshold = random.below(3) == 0 ? 0 : random.below(256)
            h[level, 0x72] = threshold
            // "not affected by an interrupt file's eidelivery register"
            h[level, 0x70] = UInt64(round & 1)
            for one in identities { #expect(guest.msi(page, UInt32(one))) }
            for want in identities.sorted() where threshold == 0 || want < threshold {
                #expect(h[level.top] == Self.top(want))
                #expect(h[level.top] == Self.top(want), "a read claims nothing")
                // A write claims whatever its value says.
                h[level.top] = random.next()
            }
            #expect(h[level.top] == 0)
            h[level.top] = ~0
            for k in stride(from: 0 as UInt64, to: 8, by: 2) {
                let left = identities.filter { $0 / 64 == k / 2 && threshold != 0 && $0 >= threshold }
                #expect(h[level, 0x80 + k] == left.map { $0 % 64 }.bits)
                h[level, 0x80 + k] = 0
            }
        }
    }

    @Test("what isn't enabled isn't reported; an instruction reads and claims at once", arguments: FileLevel.allCases)
    func instructions(_ level: FileLevel) throws {
        let guest = try Self.opened(level)
        let h = guest.hart
        let page = IMSICSetup.test.page(level)
        h[level, 0xC0] = 0b1010_0000
        for one in [3, 5, 7] as [UInt32] { #expect(guest.msi(page, one)) }
        #expect(h[level.top] == Self.top(5) && h[level, 0x80] == 0b1010_1000)
        let number = Int32(level.top.rawValue)
        var program = Program()
        program.emit(.csrrs, rd: 10, rs1: 0, imm: number)  // reads
        program.emit(.csrrs, rd: 11, rs1: 10, imm: number)  // reads and claims 5
        program.emit(.csrrwi, rd: 12, rs1: 0, imm: number)  // reads and claims 7
        program.emit(.csrrci, rd: 13, rs1: 1, imm: number)  // nothing left
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run().isBreakpoint)
        #expect(h.x(10) == Self.top(5) && h.x(11) == Self.top(5) && h.x(12) == Self.top(7) && h.x(13) == 0)
        #expect(h[level, 0x80] == 0b1000)
        // csrs and csrc change their bits alone; an identity enabled later comes up.
        program = Program()
        program.emit(.csrrs, rd: 10, rs1: 5, imm: Int32(level.register.rawValue))
        program.emit(.csrrc, rd: 11, rs1: 6, imm: Int32(level.register.rawValue))
        program.emit(.csrrw, rd: 12, rs1: 7, imm: Int32(level.register.rawValue))
        program.emit(.csrrs, rd: 13, imm: Int32(level.register.rawValue))
        program.emit(.ebreak)
        guest.load(program)
        h[level.select] = 0x80
        h.setX(5, 1 << 63 | 1)
        h.setX(6, 1 << 3)
        h.setX(7, 1 << 62 | 1)
        #expect(guest.run().isBreakpoint)
        #expect(h.x(10) == 8 && h.x(11) == 1 << 63 | 8 && h.x(12) == 1 << 63 && h.x(13) == 1 << 62)
        #expect(h[level.top] == 0)
        h[level, 0xC0] = 1 << 62
        #expect(h[level.top] == Self.top(62))
    }

    /// The bit that a file's signal is.
    private static func bit(_ level: FileLevel) -> (CSR, UInt64) {
        switch level {
        case .machine: (.mip, 1 << 11)
        case .supervisor: (.mip, 1 << 9)
        case .guest: (.hgeip, 1 << 1)
        }
    }

    @Test("the signal follows eidelivery, eithreshold, eip and eie", arguments: FileLevel.allCases)
    func signal(_ level: FileLevel) throws {
        let guest = try Guest.aia()
        let h = guest.hart
        h.selectGuest(1)
        let page = IMSICSetup.test.page(level)
        let (csr, bit) = Self.bit(level)
        var random = Random(11)
        var failures = Failures()
        var pending: UInt64 = 0, enabled: UInt64 = 0, threshold: UInt64 = 0, delivers = false
        for step in 0..<4000 {
            let one = 1 + random.below(63)
            switch random.below(6) {
            case 0:
                delivers.toggle()
                h[level, 0x70] = delivers ? 1 : 0
            case 1:
                threshold = random.below(3) == 0 ? 0 : one
                h[level, 0x72] = threshold
            case 2:
                enabled = random.next() & random.next() & ~1
                h[level, 0xC0] = enabled
            case 3:
                pending = random.next() & random.next() & random.next() & random.next() & ~1
                h[level, 0x80] = pending
            case 4:
                pending |= 1 << one
                failures.check(guest.msi(page, UInt32(one)), "no file")
            default:
                let reported = (1..<64 as Range<UInt64>).first { (pending & enabled) >> $0 & 1 == 1 }
                if let reported, threshold == 0 || reported < threshold { pending &= ~(1 << reported) }
                h[level.top] = 0
            }
            let ready = (1..<64 as Range<UInt64>).contains { (pending & enabled) >> $0 & 1 == 1 && (threshold == 0 || $0 < threshold) }
            failures.check((h[csr] & bit != 0) == (ready && delivers), "step \(step): ready \(ready), delivers \(delivers), \(hex(h[csr]))")
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("hgeip, hgeie and SGEIP; VGEIN and VSEIP")
    func guests() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        guest.load(.end)
        for g in 1...7 as ClosedRange<UInt64> {
            h.selectGuest(g)
            h.open(.guest)
        }
        #expect(h[.hgeip] == 0)
        #expect(guest.msi(IMSICSetup.test.page(.guest, guest: 3), 1) && guest.msi(IMSICSetup.test.page(.guest, guest: 6), 1))
        #expect(h[.hgeip] == 0x48)
        h.selectGuest(0)
        for enabled in [0, 0x80, 0x40, 0x48, 0xB7] as [UInt64] {
            h[.hgeie] = enabled
            #expect((h[.hip] == 1 << 12) == (enabled & 0x48 != 0), "\(hex(enabled))")
        }
        h[.hgeie] = 0x40
        h[.hie] = 1 << 12
        #expect(h[.stopi] == 12 << 16 | 255)
        #expect(guest.run(in: .u).cause == 9 && h[.scause] == 1 << 63 | 12)
        h[.hie] = 0
        h[.hideleg] = ~0
        #expect(h[.hideleg] == 0x444)
        h[.vsie] = 0x200
        for vgein in 0...7 as ClosedRange<UInt64> {
            h.selectGuest(vgein)
            let high = vgein == 3 || vgein == 6
            #expect((h[.hip] & 0x400 != 0) == high && (h[.vsip] == 0x200) == high, "VGEIN \(vgein)")
            #expect(guest.run(in: .vu).cause == (high ? 10 : 3), "VGEIN \(vgein)")
            #expect(h[.vstopi] == (high ? 9 << 16 | 1 : 0))
        }
        // The selected guest claims its own.
        h.selectGuest(3)
        var program = Program()
        program.emit(.csrrwi, rd: 10, rs1: 0, imm: Int32(CSR.stopei.rawValue))
        program.emit(.ebreak)
        guest.load(program)
        h[.vsie] = 0
        #expect(guest.run(in: .vs).isBreakpoint && h.x(10) == 1 << 16 | 1)
        #expect(h[.hgeip] == 0x40 && h[.hip] & 0x400 == 0)
        // hvip.VSEIP is a source of its own.
        h[.hvip] = 0x400
        #expect(h[.hip] & 0x400 != 0)
        h.selectGuest(6)
        h[.hvip] = 0
        #expect(h[.hip] & 0x400 != 0)
    }

    // ---- Memory regions

    @Test("sendMSI finds files, and nothing else")
    func addresses() throws {
        let guest = try Guest.aia(harts: 3)
        let setup = IMSICSetup.test
        for (i, hart) in guest.machine.harts.enumerated() {
            for level in FileLevel.allCases {
                hart.selectGuest(7)
                hart.open(level)
                let page = setup.page(level, hart: UInt64(i), guest: 7)
                #expect(guest.msi(page, 9) && hart[level.top] == Self.top(9))
                hart[level.top] = 0
                // seteipnum_be
                #expect(guest.msi(page + 4, 0x0A00_0000) && hart[level.top] == Self.top(10))
                hart[level.top] = 0
                // Not implemented, ignored, reserved.
                for data in [0, 256, 0x0100_0000, 0xFFFF_FFFF] as [UInt32] { #expect(guest.msi(page, data)) }
                #expect(guest.msi(page + 4, 9) && guest.msi(page + 8, 9) && guest.msi(page + 4092, 9))
                #expect(hart[level.top] == 0)
                #expect(!guest.msi(page + 2, 9))
            }
        }
        // A page for a hart that isn't there, the pages around, RAM.
        for address in [0x2400_3000, 0x2400_4000, 0x23FF_F000, 0x2801_8000, 0x2802_0000, 0x27FF_F000, 0, 0x8000_0000, ~3] as [UInt64] {
            #expect(!guest.msi(address, 9), "\(hex(address))")
        }
        #expect(!(try Guest.aia(imsic: nil)).msi(0x2800_0000, 1))
        #expect(!(try Guest.hypervisor()).msi(0x2800_0000, 1))
        // Fewer guest files than the stride has pages.
        let few = IMSICSetup(supervisorBase: 0x2800_0000, supervisorStride: 0x4000, machineBase: nil, guestFiles: 2, identities: 63)
        let other = try Guest.aia(imsic: few)
        #expect(other.msi(0x2800_2000, 1) && !other.msi(0x2800_3000, 1) && !other.msi(0x2400_0000, 1))
        #expect(other.hart.csr(CSR.mtopei.rawValue) == nil)
    }

    @Test("setups that no IMSIC has are refused")
    func refusals() throws {
        func refused(_ change: (inout IMSICSetup) -> Void, _ extensions: Extensions = .aia, answersSBI: Bool = false) -> Bool {
            var setup = IMSICSetup.test
            change(&setup)
            do throws(EngineError) {
                _ = try BareMachine(extensions: extensions, answersSBI: answersSBI, imsic: setup)
                return false
            } catch {
                if case .invalid = error { return true }
                return false
            }
        }
        #expect(!refused { _ in })
        for count in [0, 62, 64, 2048, 2111, -1, Int.max] { #expect(refused { $0.identities = count }) }
        for count in [-1, 8, 64, Int.max] { #expect(refused { $0.guestFiles = count }) }
        for stride in [0, 0x4000, 0x9000, 0x80_0000, 1 << 63] as [UInt64] { #expect(refused { $0.supervisorStride = stride }) }
        #expect(refused { $0.supervisorBase = 0x2800_1000 })
        #expect(refused { $0.machineBase = 0x2400_0800 })
        #expect(refused { $0.supervisorBase = ~0x7FFF })
        #expect(refused({ _ in }, .hypervisor))
        #expect(refused({ _ in }, Extensions.withoutHypervisor.union([.ssaia])))
        #expect(!refused({ $0.guestFiles = 0 }, Extensions.withoutHypervisor.union([.ssaia])))
        #expect(refused({ _ in }, answersSBI: true))
        #expect(!refused({ $0.machineBase = nil }, answersSBI: true))
    }

    /// "Only naturally aligned 32-bit simple reads and writes are supported"; others "should preferably report an access
    /// fault".
    @Test("loads, stores and atomics at an interrupt file's page")
    func accesses() throws {
        let guest = try Guest.aia(harts: 2)
        let h = guest.hart
        let target = guest.machine.harts[1]
        target.open(.supervisor)
        let page = IMSICSetup.test.page(.supervisor, hart: 1)
        func run(_ word: UInt32, at address: UInt64, _ value: UInt64) -> Outcome {
            h.setX(6, address)
            h.setX(7, value)
            h.setX(5, 0x5555)
            guest.load(Program(word))
            return guest.run()
        }
        let end = Outcome.exception(.breakpoint, Guest.code + 4, Guest.code + 4)
        for (instruction, float) in [(.sw, false), (.fsw, true)] as [(Instruction, Bool)] {
            h[.mstatus] = MStatus.FS
            h.setF(7, 33)
            #expect(run(encode(instruction, rs1: 6, rs2: 7), at: page, 33) == end)
            #expect(target[.stopei] == Self.top(33), "float \(float)")
            target[.stopei] = 0
        }
        #expect(run(encode(.sw, rs1: 6, rs2: 7), at: page + 4, 0x2100_0000) == end)
        #expect(target[.stopei] == Self.top(33))
        target[.stopei] = 0
        // The upper half of the register is no data.
        #expect(run(encode(.sw, rs1: 6, rs2: 7), at: page, 0x1_0000_0021) == end && target[.stopei] == Self.top(33))
        target[.stopei] = 0
        for offset in [0, 4, 8, 0x7FC, 0xFFC] as [UInt64] {
            #expect(run(encode(.lw, rd: 5, rs1: 6), at: page + offset, 0) == end && h.x(5) == 0)
            #expect(run(encode(.lwu, rd: 5, rs1: 6), at: page + offset, 0) == end && h.x(5) == 0)
        }
        for (instruction, cause) in [(.sb, 7), (.sh, 7), (.sd, 7), (.lb, 5), (.lhu, 5), (.ld, 5)] as [(Instruction, UInt64)] {
            let isStore = cause == 7
            let word = encode(instruction, rd: isStore ? 0 : 5, rs1: 6, rs2: isStore ? 7 : 0)
            #expect(run(word, at: page, 33).cause == cause, "\(instruction)")
        }
        for instruction in [.amoswap_w, .amoor_w, .lr_w, .sc_w] as [Instruction] {
            let cause = run(encode(instruction, rd: 5, rs1: 6, rs2: instruction == .lr_w ? 0 : 7), at: page, 33).cause
            #expect(cause == (instruction == .lr_w ? 5 : 7), "\(instruction)")
        }
        #expect(run(encode(.sw, rs1: 6, rs2: 7), at: page + 2, 33).cause == 6)
        // A page in between reads 0 and ignores what is stored.
        let empty = try Guest.aia(imsic: IMSICSetup(supervisorBase: 0x2800_0000, supervisorStride: 0x8000, machineBase: nil, guestFiles: 2, identities: 63))
        var program = Program()
        program.li(6, 0x2800_3000)
        program.emit(.sw, rs1: 6, rs2: 6)
        program.emit(.lw, rd: 5, rs1: 6)
        program.emit(.ebreak)
        empty.load(program)
        empty.hart.setX(5, 1)
        #expect(empty.run().isBreakpoint && empty.hart.x(5) == 0)
        #expect(target[.stopei] == 0)
    }

    /// As kvm.ko maps a guest interrupt file where the guest's IMSIC should be.
    @Test("a guest's store goes through both stages, and so does HSV")
    func twoStages() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        h.selectGuest(2)
        h.open(.guest)
        var stage = GuestPageTables(guest)
        stage.map(0x8000_0000, to: 0x8000_0000, level: 2)
        stage.map(0x2800_0000, to: IMSICSetup.test.page(.guest, guest: 2))
        h[.hgatp] = stage.hgatp()
        guest.machine.harts[0].fenceTranslations()
        h[.pmpaddr0] = ~0
        var program = Program()
        program.li(6, 0x2800_0000)
        program.emit(.addi, rd: 7, imm: 77)
        program.emit(.sw, rs1: 6, rs2: 7)
        program.emit(.csrrwi, rd: 10, rs1: 0, imm: Int32(CSR.stopei.rawValue))
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run(in: .vs).isBreakpoint && h.x(10) == Self.top(77))
        program = Program()
        program.li(6, 0x2800_0000)
        program.emit(.addi, rd: 7, imm: 78)
        program.emit(.hsv_w, rs1: 6, rs2: 7)
        program.emit(.hlv_w, rd: 8, rs1: 6)
        program.emit(.ebreak)
        guest.load(program)
        h[.hstatus] = h[.hstatus] | HStatus.SPVP
        h.setX(8, 1)
        #expect(guest.run(in: .hs).isBreakpoint && h[.vstopei] == Self.top(78) && h.x(8) == 0)
    }

    // ---- From other threads

    @Test("an MSI wakes a hart from WFI", arguments: FileLevel.allCases)
    func wakes(_ level: FileLevel) throws {
        let guest = try Self.opened(level)
        let h = guest.hart
        h[.mie] = 1 << 11 | 1 << 9
        h[.hideleg] = 0x444
        h[.vsie] = 0x200
        var program = Program()
        program.emit(.wfi)
        program.emit(.csrrwi, rd: 10, rs1: 0, imm: Int32(level.top.rawValue))
        program.loop(.beq, rs1: 10, to: 0)
        program.emit(.ebreak)
        guest.load(program)
        for round in 1...50 as ClosedRange<UInt64> {
            inParallel(2) { thread in
                if thread == 0 {
                    guest.hart.setX(10, 0)
                    #expect(guest.run(kicks: 4000).isBreakpoint)
                } else {
                    host_sleep_ns(round % 5 * 100_000)
                    #expect(guest.msi(IMSICSetup.test.page(level), UInt32(round)))
                }
            }
            #expect(h.x(10) == Self.top(round))
        }
    }

    /// Each of the senders owns identities, and sends one again only when the hart has counted it.
    @Test("no MSI is lost or doubled while the hart claims", arguments: FileLevel.allCases)
    func stress(_ level: FileLevel) throws {
        let guest = try Self.opened(level)
        let h = guest.hart
        let page = IMSICSetup.test.page(level)
        let rounds: UInt64 = 3000
        let senders = 3
        h[.mie] = 1 << 11 | 1 << 9
        h[.hideleg] = 0x444
        h[.vsie] = 0x200
        // Waits, claims until nothing is left, counts each in a row of words; ends when the count in x20 is reached.
        var program = Program()
        let wait = program.bytes.count
        program.emit(.wfi)
        let claim = program.bytes.count
        program.emit(.csrrwi, rd: 10, rs1: 0, imm: Int32(level.top.rawValue))
        program.loop(.beq, rs1: 10, to: wait)
        program.emit(.srli, rd: 11, rs1: 10, imm: 16)
        program.emit(.slli, rd: 11, rs1: 11, imm: 3)
        program.emit(.add, rd: 11, rs1: 11, rs2: 21)
        program.emit(.addi, rd: 12, imm: 1)
        program.emit(.amoadd_d, rd: 0, rs1: 11, rs2: 12)
        program.emit(.addi, rd: 20, rs1: 20, imm: -1)
        program.loop(.bne, rs1: 20, to: claim)
        program.emit(.ebreak)
        guest.load(program)
        guest.fill(Guest.data, 256 * 8, 0)
        h.setX(20, rounds * UInt64(senders))
        h.setX(21, Guest.data)
        nonisolated(unsafe) let words = guest.host(Guest.data, 256 * 8)
        inParallel(senders + 1) { thread in
            if thread == senders {
                #expect(guest.run(kicks: 40_000).isBreakpoint)
                return
            }
            // Identities in several words, those of different senders side by side.
            let own = (0..<5).map { UInt64($0 * 50 + thread + 1) }
            for round in 0..<rounds {
                let identity = own[Int(round % 5)]
                let place = words + Int(identity * 8)
                if round >= 5 {
                    var turns = 0
                    while host_atomic_load_64(place) < round / 5, turns < 200_000_000 {
                        turns += 1
                        if turns % 64 == 0 { host_thread_yield() }
                    }
                }
                _ = guest.msi(page, UInt32(identity))
            }
        }
        for thread in 0..<senders {
            for i in 0..<5 { #expect(guest[Guest.data + UInt64(i * 50 + thread + 1) * 8] == rounds / 5) }
        }
        #expect(h[level.top] == 0)
    }

    /// Interrupts that are taken instead of polled, sent by another hart's stores.
    @Test("two harts interrupt each other through their files")
    func interprocessor() throws {
        let guest = try Guest.aia(harts: 2)
        let rounds: UInt64 = 2000
        // M-mode: the handler claims, counts down and answers, and goes on waiting; a store out of RAM is the end.
        var handler = Program()
        handler.emit(.csrrwi, rd: 10, rs1: 0, imm: Int32(CSR.mtopei.rawValue))
        handler.emit(.addi, rd: 20, rs1: 20, imm: -1)
        handler.emit(.sw, rs1: 21, rs2: 22)
        handler.emit(.beq, rs1: 20, imm: 8)
        handler.emit(.mret)
        handler.emit(.sb, imm: Int32(Guest.trapPort))
        guest.write(handler.bytes, at: Guest.data)
        var program = Program()
        program.emit(.wfi)
        program.emit(.jal, imm: -4)
        guest.load(program)
        for (i, h) in guest.machine.harts.enumerated() {
            h.fenceInstruction()
            h.open(.machine)
            h[.mie] = 1 << 11
            h[.mtvec] = Guest.data
            h[.mstatus] = MStatus.MIE
            h.setX(20, rounds)
            h.setX(21, IMSICSetup.test.page(.machine, hart: UInt64(1 - i)))
            h.setX(22, UInt64(200 + i))
        }
        #expect(guest.msi(IMSICSetup.test.page(.machine), 1))
        inParallel(2) { number in
            let h = guest.machine.harts[number]
            let watch = Watchdog.shared.watch(h)
            h.pc = Guest.code
            for _ in 0..<100_000 { if h.run() != .interrupted { break } }
            Watchdog.shared.release(watch)
        }
        for h in guest.machine.harts { #expect(h.x(20) == 0) }
    }

    // ---- Under the engine's SBI

    private static let supervisorOnly = IMSICSetup(
        supervisorBase: 0x2800_0000, supervisorStride: 0x8000, machineBase: nil, guestFiles: 7, identities: 255)

    @Test("S-mode finds its file open to it, and an MSI ends a suspension", arguments: [false, true])
    func supervisor(suspends: Bool) throws {
        let guest = try Guest(extensions: .aia, answersSBI: true, imsic: Self.supervisorOnly)
        let h = guest.hart
        var program = Program()
        func write(_ select: UInt64, _ value: UInt64) {
            program.li(5, select)
            program.csrw(.siselect, 5)
            program.li(5, value)
            program.csrw(.sireg, 5)
        }
        write(0x70, 1)
        write(0xC0, 0xFFFE)
        program.li(5, 0x200)
        program.csrw(.sie, 5)
        if suspends {
            // HSM: hart_suspend, retentive.
            program.li(17, EID.hsm)
            program.li(16, 3)
            program.li(10, 0)
            program.emit(.ecall)
        } else {
            program.emit(.wfi)
        }
        let look = program.bytes.count
        program.csrr(12, .stopi)
        program.loop(.beq, rs1: 12, to: look)
        program.emit(.csrrwi, rd: 11, rs1: 0, imm: Int32(CSR.stopei.rawValue))
        program.emit(.sb, imm: Int32(Guest.trapPort))
        guest.load(program)
        inParallel(2) { thread in
            if thread == 0 {
                #expect(guest.run(in: .supervisor, kicks: 4000) == SBIGuest.done)
            } else {
                host_sleep_ns(20_000_000)
                #expect(guest.msi(0x2800_0000, 4))
            }
        }
        #expect(h.x(11) == Self.top(4) && h.x(12) == 9 << 16 | 4)
    }

    @Test("HSM's start begins with a closed file")
    func start() throws {
        let guest = try Guest(harts: 2, extensions: .aia, answersSBI: true, imsic: Self.supervisorOnly)
        let other = guest.machine.harts[1]
        other.open(.supervisor)
        other[.siselect] = 0x80
        other[.hvictl] = 1 << 30
        #expect(guest.msi(0x2800_8000, 4) && other[.mip] == 0x200)
        var program = Program()
        program.li(17, EID.hsm)
        program.li(16, 0)
        program.li(10, 1)
        program.li(11, Guest.data)
        program.emit(.ecall)
        program.emit(.sb, imm: Int32(Guest.trapPort))
        guest.load(program)
        var started = Program()
        started.csrr(5, .siselect)
        started.csrr(6, .sip)
        started.csrr(7, .stopei)
        started.emit(.sb, imm: Int32(Guest.trapPort))
        guest.write(started.bytes, at: Guest.data)
        #expect(guest.run(in: .supervisor) == SBIGuest.done && guest.hart.x(10) == 0)
        for r in 5...7 { other.setX(r, 1) }
        #expect(guest.resume(hart: 1) == SBIGuest.done)
        #expect(other.x(5) == 0 && other.x(6) == 0 && other.x(7) == 0 && other[.hvictl] == 0)
        #expect(other[.supervisor, 0x70] == 0 && other[.supervisor, 0xC0] == 0 && other[.supervisor, 0x80] == 0)
    }
}
