import Machine
import RISCV
import Testing

/// What the options and the guest file's values mean, and what is said about wrong ones.
@Suite struct SettingTests {
    func parse(_ key: SettingKey, _ text: String) throws(MachineError) -> GuestConfiguration {
        try GuestConfiguration([key: Setting(text, origin: "--\(key.name)")])
    }

    func refusal(_ key: SettingKey, _ text: String) -> String? {
        do throws(MachineError) {
            _ = try parse(key, text)
            return nil
        } catch {
            #expect(error.kind == .usage)
            #expect(!error.message.contains("\n"))
            return error.message
        }
    }

    @Test(arguments: [
        ("512M", 512 << 20), ("1G", 1 << 30), ("64g", 64 << 30), ("65536K", 64 << 20), ("2T", 2 << 40), ("256", 256 << 20),
        ("4M", 4 << 20), ("1000T", 1000 << 40),
    ] as [(String, UInt64)])
    func sizes(_ text: String, _ bytes: UInt64) throws { #expect(try parse(.mem, text).memorySize == bytes) }

    @Test(arguments: [
        "", "G", "1.5G", "-1G", "+1G", " 1G", "1G ", "0x10M", "1GB", "1M", "0", "5K", "4097K", "99999999999999999999G",
        "65536T", "99999999T", "١G", "1\0G",
    ])
    func wrongSizes(_ text: String) { #expect(refusal(.mem, text) != nil) }

    @Test func sizeSaysWhatIsWrong() {
        #expect(refusal(.mem, "1M") == "--mem ‘1M’: a guest needs at least 4 MiB")
        #expect(refusal(.mem, "lots") == "--mem ‘lots’: a size is a whole number with K, M, G or T, such as 512M or 4G")
    }

    @Test func harts() throws {
        #expect(try parse(.smp, "1").cpuCount == 1)
        #expect(try parse(.smp, "64").cpuCount == 64)
        for text in ["0", "65", "-1", "", "four", "1e1", "18446744073709551617"] {
            #expect(refusal(.smp, text) == "--smp ‘\(text)’: a guest has 1 to 64 harts")
        }
    }

    @Test func times() throws {
        #expect(try parse(.timeout, "30").timeout == 30_000_000_000)
        #expect(try parse(.timeout, "0.5").timeout == 500_000_000)
        #expect(try parse(.timeout, "1.000000001").timeout == 1_000_000_001)
        for text in ["", "0", "0.0", "-1", "1.", ".5", "1.0000000001", "1s", "nan", "99999999999999999999"] {
            #expect(refusal(.timeout, text) != nil)
        }
    }

    @Test func engines() throws {
        #expect(try parse(.engine, "auto").engine == .auto)
        #expect(try parse(.engine, "kvm").engine == .kvm)
        #expect(refusal(.engine, "interpeter")?.hasSuffix("did you mean interpreter?") == true)
    }

    @Test func interruptControllers() throws {
        #expect(try parse(.irqchip, "plic").interrupts == .plic)
        #expect(try parse(.irqchip, "plic").extensions == CPUModel.standard.extensions)
        for (text, choice): (String, InterruptChoice) in [("aplic", .aplic), ("aia", .aia)] {
            let configuration = try parse(.irqchip, text)
            #expect(configuration.interrupts == choice)
            #expect(configuration.extensions == CPUModel.standard.extensions.union([.ssaia]))
            let firmware = try GuestConfiguration([
                .irqchip: Setting(text, origin: "--irqchip"), .firmware: Setting("none", origin: "--firmware"),
            ])
            #expect(firmware.extensions.isSuperset(of: [.smaia, .ssaia]))
        }
        #expect(refusal(.irqchip, "aplc") == "--irqchip ‘aplc’: the interrupt controllers are plic, aplic and aia; did you mean aplic?")
        for text in ["", "AIA", "imsic", "aia,aplic"] { #expect(refusal(.irqchip, text) != nil) }
    }

    @Test(arguments: [("-ssaia", false, "ssaia"), ("-ssaia", true, "ssaia"), ("-smaia", true, "smaia")])
    func interruptFilesNeedTheirCSRs(isa: String, firmware: Bool, name: String) throws {
        func settings(_ irqchip: String) -> Settings {
            var settings: Settings = [.irqchip: Setting(irqchip, origin: "--irqchip"), .isa: Setting(isa, origin: "--isa")]
            if firmware { settings.add(Setting("none", origin: "--firmware"), to: .firmware) }
            return settings
        }
        let error = #expect(throws: MachineError.self) { try GuestConfiguration(settings("aia")) }
        #expect(error?.kind == .usage)
        #expect(error?.message == "--irqchip aia: interrupt files are reached through \(name), which --isa takes away; leave it in, or take --irqchip aplic")
        #expect(try GuestConfiguration(settings("aplic")).interrupts == .aplic)
    }

    @Test func models() throws {
        #expect(try parse(.cpu, "rv64gc").extensions == CPUModel.standard.extensions)
        #expect(try parse(.cpu, "rv64gc@1.0").extensions == CPUModel.standard.extensions)
        #expect(refusal(.cpu, "rv64gc@9") == "--cpu ‘rv64gc@9’: rv64gc has the version 1.0 only")
        #expect(try parse(.cpu, "rv64gch").extensions == CPUModel.hypervisor.extensions)
        #expect(try parse(.cpu, "rv64gch@1.0").extensions.contains(.h))
        for text in ["", "@", "rv64gc@", "x86"] { #expect(refusal(.cpu, text) != nil) }
    }

    @Test func modelsInFirmwareMode() throws {
        let settings: Settings = [
            .firmware: Setting("none", origin: "--firmware"), .kernel: Setting("/nowhere", origin: "--kernel"),
        ]
        let usual = try GuestConfiguration(settings).extensions
        #expect(usual.isSuperset(of: [.svadu, .smstateen, .sscofpmf]) && !usual.contains(.svade))
        var others = settings
        others.add(Setting("+svade,-svadu", origin: "--isa"), to: .isa)
        others.add(Setting("rv64gc", origin: "--cpu"), to: .cpu)
        let faulting = try GuestConfiguration(others).extensions
        #expect(faulting.contains(.svade) && !faulting.contains(.svadu) && faulting.contains(.sscofpmf))
    }

    @Test func isaAddsAndRemoves() throws {
        let less = try parse(.isa, "-zicond,-ZBA").extensions
        #expect(!less.contains(.zicond))
        #expect(!less.contains(.zba))
        #expect(try parse(.isa, "-zicond,+zicond").extensions == CPUModel.standard.extensions)
    }

    @Test func isaKeepsTogetherWhatBelongsTogether() throws {
        let integer = try parse(.isa, "-f").extensions
        for one: Extension in [.f, .d, .zfa, .zfhmin, .zcd] { #expect(!integer.contains(one)) }
        #expect(integer.contains(.c))
        let back = try parse(.isa, "-f,+d").extensions
        #expect(back.contains(.f) && back.contains(.d))
    }

    @Test func wrongISA() {
        #expect(refusal(.isa, "-zicnd") == "--isa ‘-zicnd’: there is no extension ‘zicnd’; did you mean zicond?")
        #expect(refusal(.isa, "+v")?.contains("v isn't implemented") == true)
        #expect(refusal(.isa, "-i")?.contains("can't do without i") == true)
        for text in ["", "zba", "+", "-", "+zba,", ",", "+,-", "+q"] { #expect(refusal(.isa, text) != nil) }
    }

    @Test func traces() throws {
        let trace = try #require(try parse(.trace, "exits,insns:/tmp/a:b").trace)
        #expect(trace.exits && trace.instructions && !trace.traps)
        #expect(trace.file == "/tmp/a:b")
        #expect(try parse(.trace, "exits").trace?.file == nil)
        #expect(refusal(.trace, "exit")?.hasSuffix("did you mean exits?") == true)
        for text in ["", ":", "exits:", "exits,", "exits,,traps"] { #expect(refusal(.trace, text) != nil) }
    }

    @Test func names() throws {
        #expect(try parse(.name, "web 1").name == "web 1")
        for text in ["", "a\nb", String(repeating: "x", count: 65)] { #expect(refusal(.name, text) != nil) }
    }

    @Test func filesRememberWhoNamedThem() throws {
        let configuration = try GuestConfiguration([.kernel: Setting("/nowhere", origin: "g.yaml:1: kernel")])
        let error = #expect(throws: MachineError.self) { try PayloadPlan(configuration) }
        #expect(error?.kind == .missingFile)
        #expect(error?.message.hasPrefix("g.yaml:1: kernel /nowhere") == true)
        #expect(refusal(.kernel, "") != nil)
        #expect(refusal(.kernel, "a\0b") != nil)
    }

    @Test func messagesStayOnOneLine() {
        #expect(refusal(.cpu, "a\nb\u{1B}[2J") == "--cpu ‘a?b?[2J’: the processor models are rv64gc, rv64gch")
        #expect((refusal(.cpu, String(repeating: "x", count: 5000))?.utf8.count ?? 9999) < 300)
    }

    @Test func keysHaveNeighbours() {
        let error = #expect(throws: MachineError.self) { try SettingKey.named("kernal", origin: "g.yaml:2") }
        #expect(error?.message == "g.yaml:2: unknown key ‘kernal’; did you mean kernel?")
        #expect(nearestName(to: "no_reboot", among: SettingKey.allCases.map(\.name)) == "no-reboot")
        #expect(nearestName(to: "zzzzzz", among: SettingKey.allCases.map(\.name)) == nil)
    }
}
