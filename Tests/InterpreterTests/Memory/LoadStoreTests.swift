import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Loads and stores in RAM and outside")
struct LoadStoreTests {
    /// A page and its neighbours, with bytes that tell their place.
    static func prepare(_ guest: Guest) {
        for page in 0..<3 as Range<UInt64> {
            guest.write((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ Int(page) &* 101 &+ 0x85) }, at: Guest.data + page * 4096)
        }
        guest.hart[.mstatus] = MStatus.FS
    }
    /// Around the start, the middle and both ends of a page.
    static let offsets: [UInt64] =
        (0..<17).map { $0 } + (0x7F8..<0x809).map { $0 } + (0xFF0..<0x1010).map { $0 }

    static func little(_ bytes: [UInt8]) -> UInt64 { bytes.reversed().reduce(0) { $0 * 256 + UInt64($1) } }

    @Test("loads of every width at every alignment, crossing pages too", arguments: loadCases.indices)
    func loads(_ index: Int) throws {
        let one = loadCases[index]
        let guest = try Guest()
        Self.prepare(guest)
        var failures = Failures()
        for imm: Int32 in [0, 1, -1, 2047, -2048] {
            guest.load(Program(encode(one.instruction, rd: 5, rs1: 6, imm: imm)))
            for offset in Self.offsets {
                let address = Guest.data + 0x800 + offset
                let want = one.extend(Self.little(guest.bytes(address, one.size)))
                guest.hart.setX(6, address &- UInt64(bitPattern: Int64(imm)))
                // Twice: the second time by the soft TLB, where the first filled it.
                for _ in 0..<2 {
                    guest.hart.setX(5, 0x77)
                    guest.hart.setF(5, 0x77)
                    failures.check(guest.run().isBreakpoint, "no end")
                    let got = one.isFloat ? guest.hart.f(5) : guest.hart.x(5)
                    failures.check(got == want, "\(one.instruction) at \(hex(address)): \(hex(got)), not \(hex(want))")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("loads into the base register and into x0", arguments: loadCases.filter { !$0.isFloat }.map(\.instruction))
    func loadAliasing(_ instruction: Instruction) throws {
        let one = loadCases.first { $0.instruction == instruction }!
        let guest = try Guest()
        Self.prepare(guest)
        guest.load(Program(encode(instruction, rd: 6, rs1: 6, imm: 16)))
        let want = one.extend(Self.little(guest.bytes(Guest.data + 16, one.size)))
        guest.hart.setX(6, Guest.data)
        #expect(guest.run().isBreakpoint)
        #expect(guest.hart.x(6) == want)
        // A load to x0 is still a load: it faults.
        guest.load(Program(encode(instruction, rd: 0, rs1: 6)))
        guest.hart.setX(6, Guest.data)
        #expect(guest.run().isBreakpoint)
        guest.hart.setX(6, 1 << 60)
        #expect(guest.run() == .exception(.loadAccessFault, 1 << 60, Guest.code))
    }

    @Test("stores of every width at every alignment change their bytes and no others", arguments: storeCases.indices)
    func stores(_ index: Int) throws {
        let one = storeCases[index]
        let guest = try Guest()
        var failures = Failures()
        let value: UInt64 = 0xF1E2_D3C4_B5A6_9788
        guest.hart[.mstatus] = MStatus.FS
        for imm: Int32 in [0, -1, 2047] {
            guest.load(Program(encode(one.instruction, rs1: 6, rs2: 7, imm: imm)))
            for offset in Self.offsets {
                let address = Guest.data + 0x800 + offset
                guest.hart.setX(6, address &- UInt64(bitPattern: Int64(imm)))
                guest.hart.setX(7, value)
                guest.hart.setF(7, value)
                for _ in 0..<2 {
                    Self.prepare(guest)
                    var want = guest.bytes(Guest.data, 3 * 4096)
                    for i in 0..<Int(one.size) { want[Int(address - Guest.data) + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i)) }
                    failures.check(guest.run().isBreakpoint, "no end")
                    failures.check(guest.bytes(Guest.data, 3 * 4096) == want, "\(one.instruction) at \(hex(address))")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("16-bit loads and stores do what the long ones do", arguments: compressedMemoryCases.indices)
    func compressed(_ index: Int) throws {
        let short = compressedMemoryCases[index]
        let one = (loadCases + storeCases).first { $0.instruction == short.long }!
        let guest = try Guest()
        var failures = Failures()
        for imm in short.immediates {
            for (register, base) in short.fromStack ? [(1, 2), (8, 2), (31, 2)] : [(8, 9), (15, 10), (9, 15)] as [(UInt8, UInt8)] {
                Self.prepare(guest)
                var program = Program()
                program.word(encode(short.encoding, Decoded(short.long, rd: register, rs1: base, rs2: register, imm: imm)))
                program.emit(.ebreak)
                guest.load(program)
                let address = Guest.data + UInt64(imm)
                let before = Self.little(guest.bytes(address, one.size))
                let value: UInt64 = 0xF1E2_D3C4_B5A6_9788
                guest.hart.setX(Int(register), value)
                guest.hart.setF(Int(register), value)
                guest.hart.setX(Int(base), Guest.data)
                failures.check(guest.run() == .exception(.breakpoint, Guest.code + 2, Guest.code + 2), "\(short.encoding) \(imm)")
                if one.isStore {
                    let want = one.size == 8 ? value : value % (1 << (8 * one.size))
                    failures.check(Self.little(guest.bytes(address, one.size)) == want, "\(short.encoding) \(imm)")
                } else {
                    let got = one.isFloat ? guest.hart.f(Int(register)) : guest.hart.x(Int(register))
                    failures.check(got == one.extend(before), "\(short.encoding) \(imm): \(hex(got))")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    // ---- Outside RAM

    @Test("a load outside RAM asks user space, and takes its answer as wide as it is", arguments: loadCases.indices)
    func mmioLoads(_ index: Int) throws {
        let one = loadCases[index]
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        let device: UInt64 = 0x1000_0040
        for answer: UInt64 in [0, 0x7F, 0x80, 0x8000, 0x7FFF_FFFF, 0x8000_0000, ~0, 0x8182_8384_8586_8788] {
            var program = Program(encode(one.instruction, rd: 5, rs1: 6, imm: -16))
            program.nop()
            guest.load(program)
            guest.hart.setX(6, device + 16)
            guest.hart.setF(5, 1)
            let before = guest.hart.retired
            #expect(guest.run() == .exit(.mmioRead(address: device, width: Int(one.size))))
            #expect(guest.hart.pc == Guest.code)
            #expect(guest.resume(.data(answer)) == .exception(.breakpoint, Guest.code + 4, Guest.code + 4))
            let low = one.size == 8 ? answer : answer % (1 << (8 * one.size))
            #expect((one.isFloat ? guest.hart.f(5) : guest.hart.x(5)) == one.extend(low))
            // The load and the vector's store; ebreak doesn't retire.
            #expect(guest.hart.retired == before + 2)
        }
        guest.load(Program(encode(one.instruction, rd: 0, rs1: 6)))
        guest.hart.setX(6, device)
        #expect(guest.run() == .exit(.mmioRead(address: device, width: Int(one.size))))
        #expect(guest.resume(.data(~0)).isBreakpoint)
        #expect(guest.hart.x(0) == 0)
        if one.isFloat { #expect(guest.hart.f(0) == one.extend(one.size == 8 ? ~0 : (1 << (8 * one.size)) - 1)) }
    }

    @Test("a store outside RAM hands user space its low bytes", arguments: storeCases.indices)
    func mmioStores(_ index: Int) throws {
        let one = storeCases[index]
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        guest.load(Program(encode(one.instruction, rs1: 6, rs2: 7, imm: 8)))
        guest.hart.setX(6, 0x1000_0000)
        let value: UInt64 = 0xF1E2_D3C4_B5A6_9788
        guest.hart.setX(7, value)
        guest.hart.setF(7, value)
        let low = one.size == 8 ? value : value % (1 << (8 * one.size))
        #expect(guest.run() == .exit(.mmioWrite(address: 0x1000_0008, width: Int(one.size), value: low)))
        #expect(guest.resume() == .exception(.breakpoint, Guest.code + 4, Guest.code + 4))
    }

    @Test("an access that no device takes ends in an access fault", arguments: loadCases.indices)
    func vacantLoads(_ index: Int) throws {
        let one = loadCases[index]
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        guest.load(Program(encode(one.instruction, rd: 5, rs1: 6)))
        guest.hart.setX(5, 1)
        guest.hart.setX(6, 0x4000_0000)
        let before = guest.hart.retired
        #expect(guest.run() == .exit(.mmioRead(address: 0x4000_0000, width: Int(one.size))))
        #expect(guest.resume(.accessFault) == .exception(.loadAccessFault, 0x4000_0000, Guest.code))
        #expect(guest.hart.x(5) == 1)
        // The vector's store, and not the load.
        #expect(guest.hart.retired == before + 1)
    }

    @Test("a store that no device takes ends in an access fault, delegated as others are", arguments: storeCases.indices)
    func vacantStores(_ index: Int) throws {
        let one = storeCases[index]
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        guest.hart.setCSR(.medeleg, 1 << Exception.storeAccessFault.rawValue)
        guest.hart.setCSR(.pmpaddr0, ~0)
        guest.hart.setCSR(.pmpcfg0, 0x1F)
        guest.load(Program(encode(one.instruction, rs1: 6, rs2: 7, imm: 8)))
        guest.hart.setX(6, 0x4000_0000)
        #expect(guest.run(in: .supervisor) == .exit(.mmioWrite(address: 0x4000_0008, width: Int(one.size), value: 0)))
        #expect(guest.resume(.accessFault).cause == Exception.ecallFromS.rawValue)
        #expect(guest.hart[.scause] == Exception.storeAccessFault.rawValue)
        #expect(guest.hart[.stval] == 0x4000_0008)
        #expect(guest.hart[.sepc] == Guest.code)
    }

    @Test("a 16-bit access to a device goes on two bytes later")
    func mmioCompressed() throws {
        let guest = try Guest()
        var program = Program()
        program.word(encode(.c_lw, Decoded(.lw, rd: 8, rs1: 9)))
        program.word(encode(.c_sw, Decoded(.sw, rs1: 9, rs2: 8, imm: 4)))
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(9, 0x1000_0000)
        #expect(guest.run() == .exit(.mmioRead(address: 0x1000_0000, width: 4)))
        #expect(guest.resume(.data(0x8000_0001)) == .exit(.mmioWrite(address: 0x1000_0004, width: 4, value: 0x8000_0001)))
        #expect(guest.resume() == .exception(.breakpoint, Guest.code + 4, Guest.code + 4))
        #expect(guest.hart.x(8) == 0xFFFF_FFFF_8000_0001)
    }

    @Test("misaligned accesses outside RAM", arguments: [Instruction.lh, .lw, .ld, .lhu, .lwu, .flw, .fld, .sh, .sw, .sd, .fsw, .fsd])
    func mmioMisaligned(_ instruction: Instruction) throws {
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
        guest.hart.setX(6, 0x1000_0001)
        let store = storeCases.contains { $0.instruction == instruction }
        #expect(guest.run() == .exception(store ? .storeAddressMisaligned : .loadAddressMisaligned, 0x1000_0001, Guest.code))
    }

    @Test("an access from RAM into nothing faults where RAM ends, and stores nothing", arguments: (loadCases + storeCases).filter { $0.size > 1 }.map(\.instruction))
    func endOfRAM(_ instruction: Instruction) throws {
        let one = (loadCases + storeCases).first { $0.instruction == instruction }!
        let guest = try Guest()
        guest.hart[.mstatus] = MStatus.FS
        guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
        guest.hart.setX(7, ~0)
        let end = Guest.base + Guest.ramSize
        guest.hart.setX(6, end - 1)
        #expect(guest.run() == .exception(one.isStore ? .storeAccessFault : .loadAccessFault, end, Guest.code))
        #expect(guest.bytes(end - 1, 1) == [0])
        // And from nothing into RAM: the first byte is the one that can't be had.
        guest.hart.setX(6, Guest.base - 1)
        let vector = guest.bytes(Guest.base, 8)
        let outcome = guest.run()
        #expect(outcome == .exception(one.isStore ? .storeAccessFault : .loadAccessFault, Guest.base - 1, Guest.code))
        #expect(guest.bytes(Guest.base, 8) == vector)
    }

    @Test("addresses that no physical address can be are access faults")
    func beyondPhysical() throws {
        let guest = try Guest()
        for address: UInt64 in [1 << 56, 1 << 63, ~7] {
            guest.hart.setX(6, address)
            guest.load(Program(encode(.ld, rd: 5, rs1: 6)))
            #expect(guest.run() == .exception(.loadAccessFault, address, Guest.code))
            guest.load(Program(encode(.sd, rs1: 6, rs2: 5)))
            #expect(guest.run() == .exception(.storeAccessFault, address, Guest.code))
            guest.load(Program(encode(.jalr, rd: 5, rs1: 6)))
            #expect(guest.run() == .exception(.instructionAccessFault, address, address))
        }
        #expect(guest.run(from: 0x1000_0000) == .exception(.instructionAccessFault, 0x1000_0000, 0x1000_0000))
    }
}
