import Machine
import Testing
import rvkvm

@Suite struct GuestFileTests {
    func parse(_ text: String) throws(MachineError) -> Settings {
        try GuestFile.parse(text, path: "/guests/web.yaml")
    }

    func refusal(_ text: String) -> MachineError? {
        do throws(MachineError) {
            _ = try parse(text)
            return nil
        } catch {
            #expect(!error.message.contains("\n"))
            return error
        }
    }

    @Test func keysAreNamedLikeOptions() throws {
        let settings = try parse("""
            # A comment
            kernel: Image
            smp: 4
            mem: "2G"
            append: console=ttyS0 panic=-1
            no-reboot: true
            timeout: 0.5
            """)
        #expect(settings.count == 6)
        #expect(settings[.smp] == Setting("4", origin: "web.yaml:3: smp"))
        let configuration = try GuestConfiguration(settings)
        #expect(configuration.cpuCount == 4)
        #expect(configuration.memorySize == 2 << 30)
        #expect(configuration.append == "console=ttyS0 panic=-1")
        #expect(!configuration.reboots)
        #expect(configuration.timeout == 500_000_000)
    }

    @Test func jsonIsYAML() throws {
        #expect(try parse("{\"smp\": 2, \"mem\": \"1G\"}").count == 2)
    }

    @Test func filesLieBesideTheGuestFile() throws {
        #expect(try parse("kernel: Image")[.kernel]?.text == "/guests/Image")
        #expect(try parse("kernel: /boot/Image")[.kernel]?.text == "/boot/Image")
        #expect(try GuestFile.parse("kernel: Image", path: "web.yaml")[.kernel]?.text == "Image")
    }

    @Test func someKeysHaveLists() throws {
        let settings = try parse("smp: 2\ndisk:\n  - a.img,readonly\n  - /b.img\nnet: user\nconsole: [virtio, pty]\n")
        #expect(settings.all(.disk) == [
            Setting("/guests/a.img,readonly", origin: "web.yaml:3: disk"), Setting("/b.img", origin: "web.yaml:4: disk"),
        ])
        #expect(settings.all(.net) == [Setting("user", origin: "web.yaml:5: net")])
        #expect(settings.all(.console).map(\.text) == ["virtio", "pty"])
        #expect(try parse("disk: []").all(.disk).isEmpty)
    }

    @Test func filesInsideValuesLieBesideTheGuestFile() throws {
        func text(_ key: SettingKey, _ value: String) throws -> String? {
            try GuestFile.parse("\(key.name): '\(value)'", path: "/my,guests/g.yaml")[key]?.text
        }
        // The directory's comma is doubled where commas mean something.
        #expect(try text(.disk, "a.img,readonly") == "/my,,guests/a.img,readonly")
        #expect(try text(.kernel, "Image") == "/my,guests/Image")
        #expect(try text(.disk, "nbd://host/x") == "nbd://host/x")
        #expect(try text(.share, "src,tag=s") == "/my,,guests/src,tag=s")
        #expect(try text(.net, "unix:s") == "unix:/my,,guests/s")
        #expect(try text(.net, "user") == "user")
        #expect(try text(.console, "unix:s") == "unix:/my,,guests/s")
        #expect(try text(.console, "serial,file:log") == "serial,file:/my,,guests/log")
        #expect(try text(.console, "file:/log") == "file:/log")
    }

    @Test func nothingIsNothing() throws {
        for text in ["", "# only a comment\n", "---\n", "{}"] { #expect(try parse(text).isEmpty) }
    }

    @Test(arguments: [
        ("kernal: x", "web.yaml:1: unknown key ‘kernal’; did you mean kernel?"),
        ("smp: 1\nmemory-of-it: 2", "web.yaml:2: unknown key ‘memory-of-it’"),
        ("smp: [1, 2]", "web.yaml:1: smp: takes one value, not a list"),
        ("smp: 1\nmem:\n  size: 1G", "web.yaml:2: mem: takes one value, not a mapping"),
        ("smp:", "web.yaml:1: smp: takes one value, not nothing"),
        ("no-reboot: [x]", "web.yaml:1: no-reboot: takes true or false, not a list"),
        ("- a\n- b", "web.yaml:1: a guest file is a list of ‘key: value’ lines"),
        ("just text", "web.yaml:1: a guest file"),
        ("disk:\n- a\n- [b]", "web.yaml:3: disk: takes a value or a list of values, not a list"),
        ("disk: [a, ~]", "web.yaml:1: disk: takes a value or a list of values, not nothing"),
        ("rng: [true]", "web.yaml:1: rng: takes true or false, not a list"),
        ("smp: 1\nsmp: 2", "web.yaml: has a key twice"),
        ("[1]: 2", "web.yaml:1: a key is a word"),
    ])
    func wrongFiles(_ text: String, _ message: String) {
        let error = refusal(text)
        #expect(error?.kind == .usage)
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "accepted")")
    }

    @Test func valuesAreCheckedLikeOptions() {
        let error = #expect(throws: MachineError.self) { try GuestConfiguration(try parse("mem: 1G\nsmp: many")) }
        #expect(error?.message == "web.yaml:2: smp ‘many’: a guest has 1 to 64 harts")
        let flag = #expect(throws: MachineError.self) { try GuestConfiguration(try parse("no-reboot: 7")) }
        #expect(flag?.message == "web.yaml:1: no-reboot ‘7’: this is either true or false")
    }

    @Test(arguments: ["smp: {", "\tsmp: 1", "smp: \"1", "a: b: c", "%YAML 9", "*alias"])
    func noYAML(_ text: String) { #expect(refusal(text)?.kind == .data) }

    @Test func deepNestingIsRefused() {
        for text in [
            String(repeating: "[", count: 30000), String(repeating: "{a: ", count: 10000), String(repeating: "- ", count: 20000),
            String(repeating: "? ", count: 20000), "smp:\n  " + String(repeating: "- ", count: 20000),
        ] {
            #expect(refusal(text)?.kind == .data)
        }
        // Within what is allowed, and still no crash.
        #expect(refusal("smp: " + String(repeating: "[", count: 250) + String(repeating: "]", count: 250))?.kind == .usage)
    }
}
