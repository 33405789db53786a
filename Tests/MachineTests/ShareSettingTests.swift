import Machine
import Testing

/// `--share PATH[,tag=T][,readonly]`.
@Suite struct ShareSettingTests {
    func share(_ text: String) throws(MachineError) -> ShareOption { try ShareOption(Setting(text, origin: "--share")) }

    func refusal(_ text: String) -> String? {
        do throws(MachineError) {
            _ = try share(text)
            return nil
        } catch {
            return error.kind == .usage ? error.message : "wrong kind"
        }
    }

    @Test func parts() throws {
        let plain = try share("/some/where")
        #expect(plain.path == "/some/where" && plain.tag == nil && !plain.isReadOnly)
        #expect(plain.tag(at: 0) == "share0" && plain.tag(at: 7) == "share7")
        let full = try share("a,,b,readonly,tag=/dev/root")
        #expect(full.path == "a,b" && full.tag == "/dev/root" && full.isReadOnly)
        #expect(full.tag(at: 7) == "/dev/root")
        #expect(try share("/,readonly=off").isReadOnly == false)
    }

    @Test func tags() throws {
        #expect(try share("/,tag=" + String(repeating: "t", count: 32)).tag?.utf8.count == 32)
        for tag in [String(repeating: "t", count: 33), "a b", "ä", "a\tb", "a\u{7F}"] {
            #expect(refusal("/,tag=\(tag)")?.contains("1 to 32 ASCII characters") == true)
        }
        #expect(refusal("/,tag=")?.contains("needs a value") == true)
    }

    @Test func nonsense() {
        #expect(refusal("")?.contains("needs the name") == true)
        #expect(refusal("/,ro")?.contains("‘ro’") == true)
        #expect(refusal("/,readonly=maybe")?.contains("on or off") == true)
        #expect(refusal("/,tag=a,tag=b")?.contains("twice") == true)
    }
}
