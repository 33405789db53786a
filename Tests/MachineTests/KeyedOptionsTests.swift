import Machine
import Testing

/// Settings with parts, as --disk and --net have them.
@Suite struct KeyedOptionsTests {
    static let vocabulary = KeyedOptions.Vocabulary(flags: ["readonly", "direct"], keys: ["serial", "queues"], repeated: ["hostfwd"])

    func parse(_ text: String) throws(MachineError) -> KeyedOptions {
        try KeyedOptions(Setting(text, origin: "--disk"), Self.vocabulary)
    }

    func refusal(_ text: String) -> String? {
        do throws(MachineError) {
            _ = try parse(text)
            return nil
        } catch {
            #expect(error.kind == .usage)
            return error.message
        }
    }

    @Test func headFlagsAndKeys() throws {
        let options = try parse("a=b.img,readonly,serial=S=1,hostfwd=tcp::22-:22,queues=4,hostfwd=udp::53-:53")
        #expect(options.head == "a=b.img")
        #expect(options.has("readonly") && !options.has("direct"))
        #expect(options.value("serial")?.text == "S=1")
        #expect(options.value("queues")?.text == "4")
        #expect(options.all("hostfwd").map(\.text) == ["tcp::22-:22", "udp::53-:53"])
        #expect(try parse("a.img").value("serial") == nil)
    }

    @Test func flagsMayBeSpelledOut() throws {
        #expect(try parse("a,readonly=on").has("readonly"))
        #expect(try !parse("a,readonly=off").has("readonly"))
        #expect(refusal("a,readonly=maybe") == "--disk ‘a,readonly=maybe’: readonly is either on or off")
    }

    @Test(arguments: [
        ("", [""]), ("a", ["a"]), ("a,b", ["a", "b"]), ("a,,b", ["a,b"]), ("a,,,b", ["a,", "b"]), ("a,,,,b", ["a,,b"]),
        (",a", ["", "a"]), ("a,", ["a", ""]), (",,", [","]), (",", ["", ""]), ("ä,,ö,ü", ["ä,ö", "ü"]),
    ])
    func commas(_ text: String, _ parts: [String]) {
        #expect(KeyedOptions.split(text) == parts)
        #expect(KeyedOptions.split(parts.map(KeyedOptions.escaped).joined(separator: ",")) == parts)
    }

    @Test func valuesRememberWhereTheyStand() throws {
        let value = try #require(try parse("a.img,serial=x").value("serial"))
        #expect(value.origin == "--disk ‘a.img,serial=x’: serial")
    }

    @Test func mistakes() {
        #expect(refusal("a,redonly") == "--disk ‘a,redonly’: there is no option ‘redonly’; did you mean readonly?")
        #expect(refusal("a,Serial=1")?.hasSuffix("did you mean serial?") == true)
        #expect(refusal("a,zzzzz")?.hasSuffix("the options are readonly, direct, serial=…, queues=…, hostfwd=…") == true)
        #expect(refusal("a,serial=1,serial=2")?.hasSuffix("serial is given twice") == true)
        #expect(refusal("a,direct,direct=off")?.hasSuffix("direct is given twice") == true)
        #expect(refusal("a,serial=")?.hasSuffix("serial needs a value: serial=…") == true)
        #expect(refusal("a,serial")?.hasSuffix("serial needs a value: serial=…") == true)
        #expect(refusal("a,")?.contains("nothing behind a comma") == true)
        #expect(refusal("a,=x")?.contains("there is no option ‘’") == true)
    }

    @Test func pathIsTheHead() throws {
        #expect(try parse("a,,b.img,readonly").path() == "a,b.img")
        let error = #expect(throws: MachineError.self) { try parse(",readonly").path() }
        #expect(error?.message == "--disk ‘,readonly’: needs the name of a file first")
        #expect(throws: MachineError.self) { try parse("a\0b").path() }
    }
}
