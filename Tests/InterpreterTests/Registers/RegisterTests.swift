import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// ONE_REG's rules (Linux 6.12, arch/riscv/kvm/vcpu_onereg.c and its neighbours).
@Suite("ONE_REG")
struct RegisterTests {
    private func machine(_ extensions: Extensions = .rv64gc, harts: Int = 1) throws -> BareMachine {
        let machine = try BareMachine(harts: harts, extensions: extensions, answersSBI: true)
        for hart in machine.harts { hart.pc = Guest.code }
        // A program of one way out.
        var program = Program()
        let loop = program.bytes.count
        program.emit(.sb, imm: 8)
        program.loop(.jal, to: loop)
        try machine.memory.write(program.bytes, at: Guest.code)
        return machine
    }

    private enum Refusal: Equatable { case none, unsupported, invalid, missing, busy, host }
    private func refusal(_ body: () throws(EngineError) -> Void) -> Refusal {
        do throws(EngineError) {
            try body()
            return .none
        } catch {
            switch error {
            case .unsupported, .extensions: return .unsupported
            case .invalid: return .invalid
            case .missing: return .missing
            case .busy: return .busy
            case .host: return .host
            }
        }
    }
    private func refusal(_ cpu: any VirtualCPU, _ id: RegisterID, to value: UInt64) -> Refusal {
        refusal { () throws(EngineError) in try cpu.setRegister(id, to: value) }
    }
    private func refusal(_ cpu: any VirtualCPU, _ id: RegisterID) -> Refusal {
        refusal { () throws(EngineError) in _ = try cpu.register(id) }
    }

    @Test("an id of another size is invalid, one that nothing has is missing, and none traps")
    func ids() throws {
        let cpu = try machine(.aia).cpus[0]
        let list = try cpu.registers()
        for id in list {
            for size in 0..<16 as Range<UInt64> where 1 << size != id.size {
                let other = RegisterID(rawValue: id.rawValue & ~(0xF << 52) | size << 52)
                #expect(refusal(cpu, other) == .invalid, "\(hex(other.rawValue))")
                #expect(refusal(cpu, other, to: 0) == .invalid)
            }
            #expect(refusal(cpu, RegisterID(rawValue: id.rawValue | 1 << 40)) == .missing)
            #expect(refusal(cpu, RegisterID(rawValue: id.rawValue & ~(1 << 63))) == .invalid)
        }
        let known = Set(list)
        var random = Random(3)
        for type in 0..<16 as Range<UInt64> {
            for subtype in [0, 1, 2, 3, 4, 255] as [UInt64] {
                for index in (0..<100).map({ $0 as UInt64 }) + [255, 256, 0x7FFF, 0xFFFF] {
                    let size: UInt64 = type == 5 || (type == 6 && index == 32) ? 2 : 3
                    let id = RegisterID(rawValue: 1 << 63 | size << 52 | type << 24 | subtype << 16 | index)
                    let isMulti = (type == 7 && index < 2 || type == 8 && index < 1) && (subtype == 1 || subtype == 2)
                    if known.contains(id) || isMulti {
                        #expect(refusal(cpu, id) == .none, "\(hex(id.rawValue))")
                    } else {
                        #expect(refusal(cpu, id) == .missing, "\(hex(id.rawValue))")
                        #expect(refusal(cpu, id, to: random.next()) == (type == 8 && subtype == 0 ? .invalid : .missing), "\(hex(id.rawValue))")
                    }
                }
            }
        }
        for _ in 0..<2000 {
            let id = RegisterID(rawValue: random.next())
            if refusal(cpu, id) == .none { continue }
            #expect(refusal(cpu, id, to: random.next()) != .none)
        }
    }

    @Test("the list has what the model has")
    func list() throws {
        let plain = Set(try machine([.i, .zicsr]).cpus[0].registers())
        #expect(!plain.contains(.zicbomBlockSize) && !plain.contains(.single(0)) && !plain.contains(.fp(0)))
        #expect(!plain.contains(.aiaCSR(0)) && !plain.contains(.sstateen0))
        let full = Set(try machine(.aia).cpus[0].registers())
        for id in [.zicbomBlockSize, .zicbozBlockSize, .single(31), .singleStatus, .fp(31), .fcsr, .aiaCSR(0), .aiaCSR(6), .sstateen0, .stealTime(0), .stealTime(1)] as [RegisterID] {
            #expect(full.contains(id), "\(hex(id.rawValue))")
        }
        // Firmware has its own SBI.
        let bare = try BareMachine(extensions: .rv64gc).cpus[0]
        #expect(try bare.registers().allSatisfy { $0.group != .sbiExtension && $0.group != .sbiState })
        #expect(refusal(bare, .sbiExtension(.time)) == .missing && refusal(bare, .sbiExtension(.time), to: 1) == .missing)
        #expect(refusal(bare, .stealTime(0)) == .missing)
    }

    @Test("CONFIG")
    func config() throws {
        let machine = try machine()
        let cpu = machine.cpus[0]
        func letters(_ text: String) -> UInt64 { text.unicodeScalars.reduce(0) { $0 | 1 << UInt64($1.value - 0x61) } }
        #expect(try cpu.register(.isa) == letters("acdfim"))
        #expect(try cpu.register(.zicbomBlockSize) == 64 && cpu.register(.zicbozBlockSize) == 64)
        #expect(try cpu.register(.satpMode) == 10)
        #expect(refusal(cpu, .satpMode, to: 10) == .none && refusal(cpu, .satpMode, to: 9) == .invalid)
        #expect(refusal(cpu, .zicbomBlockSize, to: 64) == .none && refusal(cpu, .zicbozBlockSize, to: 32) == .invalid)
        #expect(refusal(cpu, .isa, to: 1 << 26) == .invalid)
        // With D goes what needs it; I stays.
        try cpu.setRegister(.isa, to: letters("acfm"))
        #expect(try cpu.register(.isa) == letters("acfim"))
        #expect(refusal(cpu, .fp(0)) == .missing && refusal(cpu, .single(0)) == .none)
        for (i, id) in [RegisterID.mvendorid, .marchid, .mimpid].enumerated() {
            #expect(try cpu.register(id) == 0)
            try cpu.setRegister(id, to: 0x1_0000_0000 + UInt64(i))
        }
        _ = cpu.run(.none)
        for (i, id) in [RegisterID.mvendorid, .marchid, .mimpid].enumerated() {
            #expect(try cpu.register(id) == 0x1_0000_0000 + UInt64(i))
            #expect(refusal(cpu, id, to: 0x1_0000_0000 + UInt64(i)) == .none && refusal(cpu, id, to: 7) == .busy)
        }
        #expect(refusal(cpu, .isa, to: letters("acfim")) == .none && refusal(cpu, .isa, to: letters("acdfim")) == .busy)
    }

    @Test("what the ids are is what SBI BASE answers")
    func identity() throws {
        let g = try SBIGuest()
        for (i, id) in [RegisterID.mvendorid, .marchid, .mimpid].enumerated() { try g.guest.machine.cpus[0].setRegister(id, to: 100 + UInt64(i)) }
        for i in 0..<3 as Range<UInt64> { expect(g.call(EID.base, 4 + i), .success, 100 + i) }
    }

    private func number(_ name: String) -> UInt64 { UInt64(ExtensionNumber.all.firstIndex { "\($0.name)" == name }!) }

    @Test("ISA_EXT: chosen before the first run, and the hart obeys")
    func isaExtensions() throws {
        let machine = try machine(Extensions.rv64gc.subtracting([.zba]))
        let cpu = machine.cpus[0]
        func one(_ name: String) -> RegisterID { .isaExtension(number(name)) }
        #expect(try cpu.register(one("zbb")) == 1 && cpu.register(one("zba")) == 0)
        for name in ["v", "zknd", "zvbb", "zicfiss"] { #expect(refusal(cpu, one(name)) == .missing, "\(name)") }
        #expect(refusal(cpu, one("zbb"), to: 2) == .invalid)
        #expect(refusal(cpu, one("i"), to: 0) == .invalid && refusal(cpu, one("ssaia"), to: 1) == .invalid)
        #expect(refusal(cpu, one("ssaia"), to: 0) == .none)
        try cpu.setRegister(one("zbb"), to: 0)
        try cpu.setRegister(one("zba"), to: 1)
        // F takes D and Zfa along; D brings F back.
        try cpu.setRegister(one("f"), to: 0)
        for name in ["d", "zfa", "zfhmin", "zcd"] { #expect(try cpu.register(one(name)) == 0, "\(name)") }
        try cpu.setRegister(one("d"), to: 1)
        #expect(try cpu.register(one("f")) == 1 && cpu.register(one("zfa")) == 0)
        // 64 at a time.
        try cpu.setRegister(.isaExtensions(0, on: false), to: 1 << number("zbs") | 1 << number("i") | 1 << number("v"))
        let word = try cpu.register(.isaExtensions(0, on: true))
        #expect(word >> number("zbs") & 1 == 0 && word >> number("i") & 1 == 1 && word >> number("zba") & 1 == 1)
        #expect(try cpu.register(.isaExtensions(0, on: false)) == ~word)
        #expect(refusal(cpu, .isaExtensions(2, on: true)) == .missing && refusal(cpu, .isaExtensions(2, on: true), to: 0) == .missing)

        var program = Program()
        program.emit(.addi, rd: 6, imm: 1)
        program.emit(.sh1add, rd: 7, rs1: 6, rs2: 6)
        program.emit(.andn, rd: 7, rs1: 6, rs2: 6)
        try machine.memory.write(program.bytes, at: Guest.code)
        var vector = Program()
        vector.emit(.sb, imm: 8)
        try machine.memory.write(vector.bytes, at: Guest.code + 0x100)
        try cpu.setRegister(.csr(2), to: Guest.code + 0x100)
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
        #expect(machine.harts[0].x(7) == 3)
        #expect(machine.harts[0][.scause] == Exception.illegalInstruction.rawValue && machine.harts[0][.sepc] == Guest.code + 8)
        #expect(refusal(cpu, one("zbb"), to: 0) == .none && refusal(cpu, one("zbb"), to: 1) == .busy)
        #expect(refusal(cpu, .isaExtensions(0, on: true), to: 1 << number("zbb")) == .none)
        #expect(try cpu.register(one("zbb")) == 0)
    }

    @Test("the registers that follow from extensions follow a choice")
    func environment() throws {
        let chosen = try machine(Extensions.rv64gc.union([.sscofpmf, .zkr, .smstateen]))
        let made = try machine(Extensions.rv64gc.subtracting([.sstc, .svpbmt, .zicbom]))
        for name in ["sstc", "svpbmt", "zicbom", "sscofpmf", "zkr", "smstateen"] { try chosen.cpus[0].setRegister(.isaExtension(number(name)), to: 0) }
        for csr in [.misa, .menvcfg, .mideleg, .medeleg, .mseccfg, .mstateen0, .mstatus, .mcounteren] as [CSR] {
            #expect(chosen.harts[0].csr(csr.rawValue) == made.harts[0].csr(csr.rawValue), "\(csr)")
        }
        #expect(chosen.harts[0].pc == Guest.code)
    }

    @Test("SBI_EXT: each can be switched off until the first run", arguments: SBIExtensionNumber.allCases)
    func sbiExtensions(_ one: SBIExtensionNumber) throws {
        let calls: [SBIExtensionNumber: UInt64] = [
            .legacy: 1, .time: EID.time, .ipi: EID.ipi, .rfence: EID.rfence, .srst: EID.srst, .hsm: EID.hsm, .pmu: EID.pmu,
            .experimental: 0x0800_0000, .vendor: 0x0900_0000, .debugConsole: EID.dbcn, .stealTime: EID.sta, .systemSuspend: EID.susp,
            .firmwareFeatures: EID.fwft,
        ]
        let id = try #require(calls[one])
        let fresh = try BareMachine(answersSBI: true).cpus[0]
        #expect(try fresh.register(.sbiExtension(one)) == (one == .debugConsole ? 0 : 1))
        // Every hart's are its own.
        let g = try SBIGuest(harts: 2)
        let cpu = g.guest.machine.cpus[0]
        #expect(refusal(cpu, .sbiExtension(one), to: 2) == .invalid)
        try cpu.setRegister(.sbiExtension(one), to: 0)
        #expect(try cpu.register(.sbiExtensions(0, on: true)) >> one.rawValue & 1 == 0)
        #expect(try g.guest.machine.cpus[1].register(.sbiExtension(one)) == 1)
        expect(g.call(id, 0x55), .notSupported, 0)
        #expect(g.call(id, 0x55).outcome == SBIGuest.done)
        let foreign = one == .experimental || one == .vendor
        if !foreign { expect(g.call(EID.base, 3, id), .success, 0) }
        #expect(refusal(cpu, .sbiExtension(one), to: 0) == .busy && refusal(cpu, .sbiExtension(one), to: 1) == .busy)
    }

    @Test("a probe of what is user space's is user space's")
    func probes() throws {
        let g = try SBIGuest()
        for id in [0x0800_0000, 0x09FF_FFFF] as [UInt64] {
            guard case .exit(.sbi(let call)) = g.call(EID.base, 3, id).outcome else { Issue.record("no exit"); continue }
            #expect(call.extensionID == EID.base && call.functionID == 3 && call.a0 == id)
            #expect(g.guest.resume(.sbi(error: 0, value: 5)) == SBIGuest.done)
            #expect(g.guest.hart.x(11) == 5)
        }
    }

    @Test("TIMER")
    func timer() throws {
        let machine = try machine(harts: 2)
        let (cpu, other) = (machine.cpus[0], machine.cpus[1])
        #expect(try cpu.register(.frequency) == 10_000_000)
        #expect(refusal(cpu, .frequency, to: 10_000_000) == .none && refusal(cpu, .frequency, to: 1) == .invalid)
        #expect(try cpu.register(.timerCompare) == ~0 && cpu.register(.timerState) == 0)
        // Time is the machine's.
        try cpu.setRegister(.time, to: 1 << 40)
        #expect(try other.register(.time) >= 1 << 40 && other.register(.time) < 1 << 41)
        try cpu.setRegister(.timerCompare, to: 1 << 41)
        try cpu.setRegister(.timerState, to: 1)
        #expect(try cpu.register(.timerState) == 1 && machine.harts[0][.sip] == 0)
        #expect(refusal(cpu, .timerState, to: 2) == .invalid)
        // With Sstc the compare is the guest's register.
        try cpu.setRegister(.timerState, to: 0)
        #expect(try cpu.register(.timerCompare) == 1 << 41)
        try cpu.setRegister(.time, to: 1 << 41)
        _ = cpu.run(.none)
        #expect(machine.harts[0][.sip] == 1 << 5)
        // It is no pending interrupt of software's, and follows the compare.
        #expect(try cpu.register(.csr(7)) == 0)
        try cpu.setRegister(.timerCompare, to: ~0)
        #expect(machine.harts[0][.sip] == 0)
    }

    @Test("sip carries what software and wires have raised")
    func pending() throws {
        let machine = try machine()
        let cpu = machine.cpus[0]
        try cpu.setRegister(.csr(7), to: ~0)
        #expect(try cpu.register(.csr(7)) == 1 << 1 | 1 << 9)
        #expect(machine.harts[0][.sip] == 1 << 1 | 1 << 9)
        cpu.setExternalInterrupt(false)
        #expect(try cpu.register(.csr(7)) == 1 << 1)
        try cpu.setRegister(.csr(7), to: 0)
        #expect(machine.harts[0][.sip] == 0)
    }

    @Test("floating-point registers say nothing of FS")
    func floatStatus() throws {
        let machine = try machine()
        let (cpu, hart) = (machine.cpus[0], machine.harts[0])
        for fs in [0, 1, 2, 3] as [UInt64] {
            try cpu.setRegister(.csr(0), to: fs << 13)
            try cpu.setRegister(.fp(3), to: 0x1234_5678_9ABC_DEF0)
            try cpu.setRegister(.fcsr, to: 0xFF)
            #expect(hart[.sstatus] >> 13 & 3 == fs)
            #expect(try cpu.register(.fp(3)) == 0x1234_5678_9ABC_DEF0 && cpu.register(.fcsr) == 0xFF)
            #expect(try cpu.register(.single(3)) == 0x9ABC_DEF0)
        }
        try cpu.setRegister(.single(3), to: 0x3F80_0000)
        #expect(try cpu.register(.fp(3)) == 0xFFFF_FFFF_3F80_0000)
        #expect(try cpu.bytes(of: .single(3)) == [0, 0, 0x80, 0x3F])
        try cpu.setBytes(of: .fcsr, to: [0x21, 0, 0, 0])
        #expect(hart[.fcsr] == 0x21)
        for count in [0, 3, 8] { #expect(refusal { () throws(EngineError) in try cpu.setBytes(of: .fcsr, to: .init(repeating: 0, count: count)) } == .invalid) }
    }

    @Test("STA's memory goes on from what it holds")
    func stealTime() throws {
        let g = try SBIGuest()
        let cpu = g.guest.machine.cpus[0]
        #expect(try cpu.register(.stealTime(0)) == ~0 && cpu.register(.stealTime(1)) == 0)
        #expect(refusal(cpu, .stealTime(0), to: Guest.data + 8) == .invalid && refusal(cpu, .stealTime(1), to: 1) == .invalid)
        g.guest[Guest.data] = 6
        g.guest[Guest.data + 8] = 1_000_000_000_000
        try cpu.setRegister(.stealTime(0), to: Guest.data)
        try cpu.setRegister(.stealTime(1), to: 0)
        expect(g.call(EID.time, 0, ~0), .success)
        #expect(g.guest[Guest.data + 8] >= 1_000_000_000_000 && g.guest[Guest.data + 8] < 2_000_000_000_000)
        #expect(g.guest[Guest.data] >= 6 && g.guest[Guest.data] & 1 == 0)
        #expect(try cpu.register(.stealTime(0)) == Guest.data)
        try cpu.setRegister(.stealTime(0), to: ~0)
        #expect(try cpu.register(.stealTime(0)) == ~0)
        // Memory that isn't there is never touched.
        try cpu.setRegister(.stealTime(0), to: 1 << 50)
        expect(g.call(EID.time, 0, ~0), .success)
    }

    @Test("MP_STATE: a start that is asked for is made before anybody looks")
    func powerState() throws {
        let g = try SBIGuest(harts: 2)
        let other = g.guest.machine.cpus[1]
        #expect(try g.guest.machine.cpus[0].powerState() == .runnable && other.powerState() == .stopped)
        expect(g.call(EID.hsm, 0, 1, Guest.code + 4, 0x77), .success)
        #expect(try other.powerState() == .runnable)
        #expect(try other.register(.pc) == Guest.code + 4 && other.register(.a0) == 1 && other.register(.a1) == 0x77)
        try other.setPowerState(.stopped)
        expect(g.call(EID.hsm, 2, 1), .success, 1)
        other.kick()
        #expect(other.run(.none) == .interrupted)
        try other.setRegister(.pc, to: Guest.code + 4)
        try other.setPowerState(.runnable)
        expect(g.call(EID.hsm, 2, 1), .success, 0)
        #expect(other.run(.none) == .mmioWrite(address: Guest.trapPort, width: 1, value: 0))
    }
}
