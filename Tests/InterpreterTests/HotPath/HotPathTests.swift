import Testing

@Suite("Machine code of the handlers")
struct HotPathTests {
    @Test("no fast handler calls, pushes or touches Swift's runtime", .enabled(if: Objdump.reason == nil, Comment(rawValue: Objdump.reason ?? "")))
    func fast() throws {
        let names = try FastHandlers.all()
        #expect(names.count > 200, "the sources' handlers aren't found any more")
        let code = try Objdump.disassemble(names)
        let missing = names.filter { code.functions[$0] == nil }
        #expect(missing.isEmpty, "not in the binary: \(missing)")
        // Without the option every handler saves a frame pointer, and each would be reported.
        if code.framed > names.count / 2 {
            Issue.record("this build has frame pointers: build with --omit-frame-pointers, as Scripts/test does")
            return
        }
        for name in names {
            let offences = code.offences(name)
            #expect(offences.isEmpty, "\(name): \(offences)")
            // It goes on somewhere else by a jump, at the latest at its end.
            #expect(code.functions[name]?.contains { $0.hasPrefix("jmp") } == true, "\(name) doesn't jump on")
        }
    }

    static let sample = """

        /tmp/x: file format elf64-x86-64

        Disassembly of section .text:

        0000000000001000 <rv_good>:
            1000:       movzbl  9(%rsi), %eax
            1004:       jne     0x2000 <slow_ld>
            100c:       jmpq    *%rax

        0000000000001010 <rv_calls>:
            1010:       movq    %rdi, %rax
            1013:       callq   0x3000 <helper>
            1018:       jmpq    *%rax

        0000000000001020 <rv_pushes>:
            1020:       pushq   %rbx
            1021:       jmpq    *%rax

        0000000000001030 <rv_retains>:
            1030:       jmp     0x5000 <swift_retain@plt>

        0000000000001040 <rv_framed>:
            1040:       pushq   %rbp
            1041:       movq    %rsp, %rbp
            1044:       jmpq    *%rax
        """

    @Test("the check finds what it looks for")
    func parser() {
        let code = MachineCode(listing: Self.sample)
        #expect(code.functions.count == 5)
        #expect(code.functions["rv_good"]?.count == 3)
        #expect(code.offences("rv_good").isEmpty)
        #expect(code.offences("rv_calls") == ["callq 0x3000 <helper>"])
        #expect(code.offences("rv_pushes") == ["pushq %rbx"])
        #expect(code.offences("rv_retains") == ["jmp 0x5000 <swift_retain@plt>"])
        #expect(code.framed == 1)
    }

    @Test("slow handlers are told from fast ones by their attribute")
    func sources() {
        let names = FastHandlers.names(in: """
            @c func rv_add(_ h: H) -> Int {
            }
            /// Slow.
            @inline(never)
            @c func rv_ecall(_ h: H) -> Int { 1 }
            @c func op_mv(_ h: H) -> Int {
            @inline(never) @c func rv_illegal(_ h: H) -> Int { 1 }
            @c func helper(_ h: H) -> Int {
            @c func fused_a_b(_ h: H) -> Int {
            """)
        #expect(names == ["rv_add", "op_mv", "fused_a_b"])
    }

    /// The check fails on real machine code that has calls: slow handlers do.
    @Test("slow handlers would be caught", .enabled(if: Objdump.reason == nil, Comment(rawValue: Objdump.reason ?? "")))
    func slow() throws {
        let code = try Objdump.disassemble(["rv_csrrw", "rv_mret", "rv_sfence_vma"])
        #expect(code.functions.count == 3)
        #expect(code.functions.keys.contains { !code.offences($0).isEmpty })
    }
}
