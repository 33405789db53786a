import Machine
import Testing

/// --disk and --flash.
@Suite struct DiskSettingTests {
    func disk(_ text: String) throws(MachineError) -> DiskOption { try DiskOption(Setting(text, origin: "--disk")) }

    func refusal(_ text: String) -> String? {
        do throws(MachineError) {
            _ = try disk(text)
            return nil
        } catch {
            #expect(error.kind == .usage)
            return error.message
        }
    }

    @Test func parts() throws {
        let plain = try disk("a,,b.img")
        #expect(plain.path == "a,b.img")
        #expect(!plain.isReadOnly && !plain.isSnapshot && !plain.isDirect && plain.serial == "" && plain.queues == 1)
        let full = try disk("x,snapshot,direct,serial=ABC-1,queues=16")
        #expect(full.isSnapshot && full.isDirect && full.serial == "ABC-1" && full.queues == 16)
        #expect(try disk("x,readonly").isReadOnly)
        #expect(try disk("x,readonly=off,snapshot").isSnapshot)
    }

    @Test func addressesAndFiles() throws {
        for text in ["nbd:unix:/s", "nbd:h:1", "nbd://h/x", "nbd+unix:///?socket=/s", "nbds://h"] { #expect(try disk(text).isNBD) }
        for text in ["./nbd:x", "nbd", "a.img", "/nbd:x"] { #expect(try !disk(text).isNBD) }
    }

    @Test(arguments: [
        "", ",readonly", "x,readonly,snapshot", "x,queues=0", "x,queues=17", "x,queues=", "x,serial=", "x,serial=a b",
        "x,serial=123456789012345678901", "x,serial=ä", "x,cache=none", "nbd:h:1,direct", "x,readonly=maybe",
    ])
    func whatCannotBe(_ text: String) { #expect(refusal(text)?.hasPrefix("--disk ") == true) }

    @Test func aTypoHasANeighbour() { #expect(refusal("x,readnly")?.hasSuffix("did you mean readonly?") == true) }

    @Test func flash() throws {
        #expect(try FlashOption(Setting("a,readonly", origin: "--flash")).isReadOnly)
        #expect(try !FlashOption(Setting("a", origin: "--flash")).isReadOnly)
        #expect(throws: MachineError.self) { _ = try FlashOption(Setting("a,snapshot", origin: "--flash")) }
    }
}
