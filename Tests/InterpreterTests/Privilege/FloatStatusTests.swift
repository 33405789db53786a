import Interpreter
import RISCV
import Testing

@Suite("mstatus.FS")
struct FloatStatusTests {
    static let instructions = Instruction.allCases.filter {
        $0.flags.contains(.isFP) && InterpreterEngine.extensions.isSuperset(of: $0.encoding.required)
    }

    @Test("Off makes every floating-point instruction illegal, in every mode")
    func off() throws {
        let guest = try Guest()
        guest.hart.setX(6, Guest.data)
        var failures = Failures()
        for mode in Privilege.allCases {
            for instruction in Self.instructions {
                let word = encode(instruction, rd: 5, rs1: 6, rs2: 7, rs3: 8)
                guest.load(Program(word))
                for fs in [0, 1, 2, 3] as [UInt64] {
                    guest.hart[.mstatus] = fs << 13
                    let outcome = guest.run(in: mode)
                    let want = fs == 0 ? Outcome.exception(.illegalInstruction, UInt64(word), Guest.code, mode) : .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode)
                    failures.check(outcome == want, "\(instruction) FS \(fs) in \(mode): \(outcome)")
                }
            }
            for (csr, fs) in [(.fflags, 0), (.frm, 0), (.fcsr, 0), (.fflags, 1), (.frm, 2), (.fcsr, 3)] as [(CSR, UInt64)] {
                for word in [encode(.csrrs, rd: 5, imm: Int32(csr.rawValue)), encode(.csrrw, rd: 0, rs1: 0, imm: Int32(csr.rawValue))] {
                    guest.load(Program(word))
                    guest.hart[.mstatus] = fs << 13
                    let outcome = guest.run(in: mode)
                    failures.check((outcome.cause == 2) == (fs == 0), "\(csr) FS \(fs) in \(mode): \(outcome)")
                }
            }
        }
        #expect(Self.instructions.count > 80)
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("16-bit loads and stores of f registers as well", arguments: [Encoding.c_fld, .c_fsd, .c_fldsp, .c_fsdsp])
    func compressed(_ encoding: Encoding) throws {
        let guest = try Guest()
        let word = encode(encoding, Decoded(encoding.instruction, rd: 9, rs1: 8, rs2: 9))
        var program = Program()
        program.word(word)
        program.nop()
        guest.load(program)
        #expect(guest.run() == .exception(.illegalInstruction, UInt64(word), Guest.code))
    }

    @Test("whatever writes an f register or fcsr makes the state dirty", arguments: [1, 2] as [UInt64])
    func dirty(_ fs: UInt64) throws {
        let guest = try Guest()
        guest.hart.setX(6, Guest.data)
        var failures = Failures()
        for instruction in Self.instructions {
            let name = "\(instruction)"
            let integer = ["feq", "flt", "fle", "fclass", "fmv_x", "fcvt_w", "fcvt_l", "fcvtmod"].contains { name.hasPrefix($0) }
            if integer || instruction.flags.contains(.isStore) { continue }
            for rd: UInt8 in [0, 5, 31] {
                guest.load(Program(encode(instruction, rd: rd, rs1: 6, rs2: 7, rs3: 8)))
                guest.hart[.mstatus] = fs << 13
                failures.check(guest.run().isBreakpoint, "\(instruction)")
                failures.check(guest.hart[.mstatus] >> 13 & 3 == 3 && guest.hart[.mstatus] >> 63 == 1, "\(instruction) f\(rd): FS \(guest.hart[.mstatus] >> 13 & 3)")
            }
        }
        for csr: CSR in [.fflags, .frm, .fcsr] {
            for instruction: Instruction in [.csrrw, .csrrwi, .csrrsi, .csrrci] {
                guest.load(Program(encode(instruction, rd: 0, rs1: 1, imm: Int32(csr.rawValue))))
                guest.hart[.mstatus] = fs << 13
                failures.check(guest.run().isBreakpoint, "\(csr)")
                failures.check(guest.hart[.mstatus] >> 13 & 3 == 3, "\(instruction) \(csr)")
            }
            // Reading doesn't.
            guest.load(Program(encode(.csrrs, rd: 5, imm: Int32(csr.rawValue))))
            guest.hart[.mstatus] = fs << 13
            failures.check(guest.run().isBreakpoint, "\(csr)")
            failures.check(guest.hart[.mstatus] >> 13 & 3 == fs, "reading \(csr)")
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("fcsr is frm over fflags")
    func control() throws {
        let guest = try Guest()
        let h = guest.hart
        h[.mstatus] = MStatus.FS
        for value in 0..<256 as Range<UInt64> {
            h[.fcsr] = value
            #expect(h[.frm] == value >> 5 && h[.fflags] == value & 31)
            h[.fflags] = ~value
            #expect(h[.fcsr] == value & 0xE0 | ~value & 31)
            h[.frm] = ~value
            #expect(h[.fcsr] == (~value & 7) << 5 | ~value & 31)
        }
    }

    @Test("reserved rounding modes are illegal: 5 and 6 in the instruction, 5 to 7 in frm when it is dynamic")
    func rounding() throws {
        let guest = try Guest()
        for rm: UInt8 in [0, 1, 2, 3, 4, 5, 6, 7] {
            for frm in 0..<8 as Range<UInt64> {
                let word = encode(.fadd_d, rd: 1, rs1: 2, rs2: 3, rm: rm)
                guest.load(Program(word))
                guest.hart[.mstatus] = MStatus.FS
                guest.hart[.fcsr] = frm << 5
                let legal = rm <= 4 || (rm == 7 && frm <= 4)
                #expect(guest.run() == (legal ? .exception(.breakpoint, Guest.code + 4, Guest.code + 4) : .exception(.illegalInstruction, UInt64(word), Guest.code)))
            }
        }
    }

    @Test("without F there is no fcsr, whatever FS")
    func withoutF() throws {
        var extensions = Extensions.withoutHypervisor
        for one: Extension in [.f, .d, .zfa, .zfhmin] { extensions.remove(one) }
        let guest = try Guest(extensions: extensions)
        for csr: CSR in [.fflags, .frm, .fcsr] {
            guest.hart[.mstatus] = MStatus.FS
            guest.load(Program(encode(.csrrs, rd: 5, imm: Int32(csr.rawValue))))
            #expect(guest.run().cause == Exception.illegalInstruction.rawValue)
        }
    }
}
