import ExecutionEngine
import Machine
import Testing

/// An engine that can't have the guest's extensions: the user reads which, of what, and what to do.
@Suite("Extensions that an engine can't give or hide") struct ExtensionMismatchTests {
    /// The sentence for a guest with these settings.
    func sentence(
        missing: [String] = [], unhideable: [String] = [], isa: String? = nil, irqchip: String? = nil, cpu: String? = nil
    ) throws -> String? {
        let engine = FakeEngine()
        engine.refusal = .extensions(ExtensionMismatch(engine: "KVM here", missing: missing, unhideable: unhideable))
        let scratch = Scratch()
        var settings: Settings = [.kernel: Setting(scratch.kernel(), origin: "--kernel"), .mem: Setting("64M", origin: "--mem")]
        if let isa { settings.add(Setting(isa, origin: "--isa"), to: .isa) }
        if let irqchip { settings.add(Setting(irqchip, origin: "--irqchip"), to: .irqchip) }
        if let cpu { settings.add(Setting(cpu, origin: "--cpu"), to: .cpu) }
        let configuration = try GuestConfiguration(settings)
        let host = HostConnections(output: Recorder(), input: ConsoleInput(wake: -1))
        let error = #expect(throws: MachineError.self) {
            try Machine(configuration, payloads: PayloadPlan(configuration), engine: engine, host: host).run()
        }
        #expect(error?.kind == .usage)
        return error?.message
    }

    @Test("the processor model and --isa's way out are named")
    func model() throws {
        #expect(try sentence(unhideable: ["zkr"])
            == "KVM here can't hide extension Zkr, which cpu model rv64gc@1.0 lacks; choose --isa=+zkr or --engine interpreter")
        #expect(try sentence(unhideable: ["zkr"], cpu: "rv64gch")?.contains("which cpu model rv64gch@1.0 lacks") == true)
        #expect(try sentence(missing: ["zicond", "h"], cpu: "rv64gch@1.0")
            == "KVM here can't give a guest extensions Zicond, H, which cpu model rv64gch@1.0 has; choose --isa=-h,-zicond or --engine interpreter")
        #expect(try sentence(missing: ["zfa"], unhideable: ["zkr", "sscofpmf"])
            == "KVM here can't give a guest extension Zfa, which cpu model rv64gc@1.0 has, and can't hide extensions Zkr, Sscofpmf, which it lacks; choose --isa=-zfa,+zkr,+sscofpmf or --engine interpreter")
    }

    @Test("what the user changed is part of the model, and of the way out")
    func changed() throws {
        #expect(try sentence(unhideable: ["zbb"], isa: "-zbb")
            == "KVM here can't hide extension Zbb, which cpu model rv64gc@1.0 with --isa=-zbb lacks; leave --isa out, or choose --engine interpreter")
        #expect(try sentence(missing: ["zfa"], isa: "-zicond")
            == "KVM here can't give a guest extension Zfa, which cpu model rv64gc@1.0 with --isa=-zicond has; choose --isa=-zicond,-zfa or --engine interpreter")
        #expect(try sentence(unhideable: ["sscofpmf"], isa: "-zbb", irqchip: "aia")
            == "KVM here can't hide extension Sscofpmf, which cpu model rv64gc@1.0 with --irqchip aia and --isa=-zbb lacks; choose --isa=-zbb,+sscofpmf or --engine interpreter")
    }

    @Test("where no --isa helps, none is offered")
    func noChange() throws {
        let end = "; no --isa makes a guest fit, so choose --engine interpreter"
        // rvkvm has no such extension, or none at all of that name.
        #expect(try sentence(unhideable: ["zbc"])?.hasSuffix(end) == true)
        #expect(try sentence(unhideable: ["zkr", "extension 99"])?.hasSuffix(end) == true)
        #expect(try sentence(missing: ["i"])?.hasSuffix(end) == true)
        // Interrupt files are reached through it.
        #expect(try sentence(missing: ["ssaia"], irqchip: "aia")?.hasSuffix(end) == true)
        #expect(try sentence(missing: ["ssaia"], irqchip: "aplic")?.hasSuffix("; choose --isa=-ssaia or --engine interpreter") == true)
    }

    @Test("--strict, which asks the SBI first, says the same")
    func strict() throws {
        let engine = FakeEngine()
        engine.refusal = .extensions(ExtensionMismatch(engine: "KVM here", missing: [], unhideable: ["zkr"]))
        let settings: Settings = [
            .kernel: Setting("k", origin: "--kernel"), .strict: Setting("true", origin: "--strict"), .isa: Setting("-zbb", origin: "--isa"),
        ]
        let error = #expect(throws: MachineError.self) { try HostDifference.find(GuestConfiguration(settings), engine) }
        #expect(error?.message
            == "KVM here can't hide extension Zkr, which cpu model rv64gc@1.0 with --isa=-zbb lacks; choose --isa=-zbb,+zkr or --engine interpreter")
    }
}
