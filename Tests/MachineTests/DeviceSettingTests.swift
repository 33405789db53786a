import Machine
import Testing

/// --console and the options that may be given several times.
@Suite struct DeviceSettingTests {
    func consoles(_ texts: [String]) throws(MachineError) -> [ConsoleOption] {
        var settings = Settings()
        for text in texts { settings.add(Setting(text, origin: "--console"), to: .console) }
        return try GuestConfiguration(settings).consoles
    }

    func refusal(_ texts: String...) -> String? {
        do throws(MachineError) {
            _ = try consoles(texts)
            return nil
        } catch {
            #expect(error.kind == .usage)
            return error.message
        }
    }

    @Test(arguments: [
        ("serial", .serial, .stdio), ("virtio", .virtio, .stdio), ("stdio", .virtio, .stdio), ("virtio,stdio", .virtio, .stdio),
        ("serial,stdio", .serial, .stdio), ("pty", .virtio, .pty), ("serial,pty", .serial, .pty), ("file:a,,b", .virtio, .file("a,b")),
        ("serial,file:/x=y", .serial, .file("/x=y")), ("virtio,unix:s", .virtio, .unix("s")), ("unix:file:s", .virtio, .unix("file:s")),
    ] as [(String, ConsoleOption.Device, ConsoleOption.Place)])
    func devicesAndPlaces(_ text: String, _ device: ConsoleOption.Device, _ place: ConsoleOption.Place) throws {
        let console = try #require(try consoles([text]).first)
        #expect(console.device == device)
        #expect(console.place == place)
        #expect(console.name == nil)
    }

    @Test func portsForProgramsHaveNames() throws {
        #expect(try consoles(["unix:s,name=org.example.0"])[0].name == "org.example.0")
        #expect(try consoles(["virtio,pty,name=a"])[0].name == "a")
        #expect(refusal("serial,pty,name=x")?.contains("a serial port has no name") == true)
        #expect(refusal("stdio,name=x")?.contains("are for a console") == true)
        #expect(refusal("virtio,name=x")?.contains("are for a console") == true)
        for name in ["", "a/b", "..", "a b", "ä", String(repeating: "x", count: 65)] { #expect(refusal("pty,name=\(name)") != nil) }
    }

    @Test func contradictions() throws {
        #expect(try consoles(["virtio", "serial,pty", "pty", "pty", "file:a", "file:b", "unix:a"]).count == 7)
        #expect(refusal("serial", "serial,pty") == "--console ‘serial,pty’: there is one serial port, and ‘serial’ has it; give one of them")
        #expect(refusal("serial", "virtio")?.contains("standard input and output are ‘serial’'s already") == true)
        #expect(refusal("file:a", "serial,file:a")?.contains("a place of its own") == true)
        #expect(refusal("pty,name=a", "unix:s,name=a")?.contains("a port named ‘a’ already") == true)
    }

    @Test(arguments: ["", "tty", "virtio,tty", "virtio,pty,pty", "file:", "unix:", "virtio,,pty", "pty,size=1", "file:a\0b", "serial,"])
    func wrongConsoles(_ text: String) { #expect(refusal(text)?.hasPrefix("--console ") == true) }

    @Test func wrongConsoleHasANeighbour() {
        #expect(refusal("virtoi")?.hasSuffix("did you mean virtio?") == true)
        #expect(refusal("virtio,ptty")?.contains("‘ptty’") == true)
    }

    @Test func slotsAreLimited() {
        var settings = Settings()
        for _ in 0..<33 { settings.add(Setting("/a", origin: "--share"), to: .share) }
        let error = #expect(throws: MachineError.self) { try GuestConfiguration(settings) }
        #expect(error?.message.contains("33 virtio devices, and there are 32 slots") == true)
    }

    @Test func banksAreLimited() {
        var settings = Settings()
        for _ in 0..<3 { settings.add(Setting("f", origin: "--flash"), to: .flash) }
        let error = #expect(throws: MachineError.self) { try GuestConfiguration(settings) }
        #expect(error?.message == "--flash ‘f’: there are 2 banks of flash memory")
    }

    @Test func switches() throws {
        let configuration = try GuestConfiguration([.rng: Setting("true", origin: "--rng"), .balloon: Setting("no", origin: "--balloon")])
        #expect(configuration.hasEntropy && !configuration.hasBalloon)
    }

    @Test func hugePages() throws {
        let on = Setting("true", origin: "--hugepages")
        #expect(try GuestConfiguration([.hugePages: on, .mem: Setting("6M", origin: "--mem")]).hasHugePages)
        #expect(try !GuestConfiguration([.hugePages: Setting("no", origin: "--hugepages"), .mem: Setting("5M", origin: "--mem")]).hasHugePages)
        let odd = #expect(throws: MachineError.self) { try GuestConfiguration([.hugePages: on, .mem: Setting("5M", origin: "--mem")]) }
        #expect(odd?.message == "--hugepages: RAM comes in pages of 2 MiB then, and 5 MiB is no multiple; choose another --mem")
        let balloon = #expect(throws: MachineError.self) {
            try GuestConfiguration([.hugePages: on, .balloon: Setting("true", origin: "--balloon")])
        }
        #expect(balloon?.kind == .usage && balloon?.message.contains("leave --balloon out") == true)
    }

    @Test func optionsReplaceTheFilesLists() {
        var file: Settings = [.disk: Setting("a", origin: ""), .disk: Setting("b", origin: ""), .smp: Setting("2", origin: "")]
        #expect(file.all(.disk).map(\.text) == ["a", "b"])
        file.override(with: [.disk: Setting("c", origin: ""), .mem: Setting("1G", origin: "")])
        #expect(file.all(.disk).map(\.text) == ["c"])
        #expect(file[.smp]?.text == "2" && file.count == 3)
    }

    @Test(arguments: [(0, 0x1000_1000, 1), (7, 0x1000_8000, 8), (8, 0x1000_9000, 16), (31, 0x1002_0000, 39)] as [(Int, UInt64, UInt32)])
    func slotsLieAsOnTheBoard(_ slot: Int, _ base: UInt64, _ irq: UInt32) {
        let place = MemoryMap.virtio(slot: slot)
        #expect(place.base == base && place.size == 0x1000 && place.irq == irq)
    }
}
