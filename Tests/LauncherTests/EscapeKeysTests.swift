import Testing
import Launcher

@Suite struct EscapeKeysTests {
    @Test func plainBytesAreTheGuests() {
        var keys = EscapeKeys()
        // Ctrl-C, escape sequences and high bytes among them.
        #expect(keys.process([3, 0x1B, 0x5B, 0x41, 0xFF]) == [.send([3, 0x1B, 0x5B, 0x41, 0xFF])])
        #expect(keys.process([]) == [])
    }

    @Test func secondKeyDecides() {
        var keys = EscapeKeys()
        #expect(keys.process(Array("ab\u{1}xcd\u{1}R".utf8)) == [.send(Array("ab".utf8)), .quit, .send(Array("cd".utf8)), .reset])
        #expect(keys.process(Array("\u{1}h\u{1}?".utf8)) == [.help, .help])
        // Ctrl kept down.
        #expect(keys.process([1, 0x18]) == [.quit])
    }

    @Test func controlAReachesTheGuest() {
        var keys = EscapeKeys()
        #expect(keys.process(Array("\u{1}a\u{1}\u{1}!".utf8)) == [.send([1, 1, 0x21])])
    }

    @Test func keysMayComeApart() {
        var keys = EscapeKeys()
        #expect(keys.process([0x61, 1]) == [.send([0x61])])
        #expect(keys.process([0x78]) == [.quit])
    }
}
