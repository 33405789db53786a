import CHost
import Devices
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Two 16-bit chips with Intel's command set on a 32-bit bus.
@Suite struct FlashTests {
    /// A file of its own that goes away with the test.
    final class File {
        let path: String
        init(size: Int, fill: UInt8 = 0xFF) {
            var name = Array("/tmp/rvkvm-flash-XXXXXX".utf8CString)
            let fd = mkstemp(&name)
            path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            Glibc.write(fd, [UInt8](repeating: fill, count: size), size)
            close(fd)
        }
        deinit { unlink(path) }
        func content(_ offset: Int, _ count: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            let fd = open(path, O_RDONLY)
            let n = pread(fd, &bytes, count, off_t(offset))
            close(fd)
            return Array(bytes.prefix(max(n, 0)))
        }
        var size: Int {
            var s = stat()
            stat(path, &s)
            return Int(s.st_size)
        }
    }

    let bank: FlashBank
    init() throws { bank = FlashBank(try FlashStorage()) }

    /// The same command to both chips.
    func command(_ offset: UInt64, _ command: UInt32, on bank: FlashBank? = nil) {
        (bank ?? self.bank).write(offset: offset, width: 4, value: UInt64(command | command << 16))
    }
    func word(_ offset: UInt64, on bank: FlashBank? = nil) -> UInt32 { UInt32((bank ?? self.bank).read(offset: offset, width: 4)) }

    @Test func itStartsErasedAndInArrayMode() {
        #expect(word(0) == 0xFFFF_FFFF)
        #expect(bank.read(offset: 0x1FF_FFF8, width: 8) == ~0)
        #expect(bank.read(offset: 0x1FF_FFFF, width: 1) == 0xFF)
    }

    @Test func theQueryDescribesIt() {
        command(0x55 << 2, 0x98)
        #expect((0x10...0x12).map { word($0 << 2) } == [0x0051_0051, 0x0052_0052, 0x0059_0059])
        #expect(word(0x13 << 2) == 0x0001_0001)
        func byte(_ address: UInt64) -> Int { Int(word(address << 2) & 0xFF) }
        // Two chips make the bank, and two blocks of theirs a block.
        #expect(2 << byte(0x27) == 32 << 20)
        #expect((byte(0x2D) + byte(0x2E) << 8) + 1 == 128)
        #expect(2 * 256 * (byte(0x2F) + byte(0x30) << 8) == 256 << 10)
        #expect(byte(0x2C) == 1)
        let extended = UInt64(byte(0x15))
        #expect((0..<3).map { byte(extended + $0) } == Array("PRI".utf8).map(Int.init))
        // One chip alone can be asked.
        bank.write(offset: 0x55 << 2, width: 2, value: 0xFF)
        #expect(word(0x10 << 2) == 0x0051_FFFF)
        command(0, 0xFF)
        #expect(word(0x10 << 2) == 0xFFFF_FFFF)
    }

    @Test func identifiers() {
        command(0, 0x90)
        #expect(word(0) == 0x0089_0089)
        #expect(word(4) == 0x0018_0018)
        #expect(word(8) == 0)
        command(0x4_0000, 0x60)
        command(0x4_0000, 0x01)
        command(0, 0x90)
        #expect(word(8) == 0)
        #expect(word(0x4_0008) == 0x0001_0001)
    }

    @Test func programmingClearsBitsOnly() {
        command(0x100, 0x40)
        bank.write(offset: 0x100, width: 4, value: 0xF0F0_1234)
        #expect(word(0x100) == 0x0080_0080)
        command(0, 0xFF)
        #expect(word(0x100) == 0xF0F0_1234)
        command(0x100, 0x10)
        bank.write(offset: 0x100, width: 4, value: 0x0FFF_FFFF)
        command(0, 0xFF)
        #expect(word(0x100) == 0x00F0_1234)
        #expect(word(0xFC) == 0xFFFF_FFFF)
        #expect(word(0x104) == 0xFFFF_FFFF)
    }

    @Test func erasingABlockLeavesItsNeighbours() {
        for offset in [0x3_FFFC, 0x4_0000, 0x7_FFFC, 0x8_0000] as [UInt64] {
            command(offset, 0x40)
            bank.write(offset: offset, width: 4, value: 0)
        }
        command(0x5_0000, 0x20)
        command(0x5_0000, 0xD0)
        #expect(word(0) == 0x0080_0080)
        command(0, 0xFF)
        #expect([0x3_FFFC, 0x4_0000, 0x7_FFFC, 0x8_0000].map { word($0) } == [0, 0xFFFF_FFFF, 0xFFFF_FFFF, 0])
        // Only the chip that was told.
        bank.write(offset: 0, width: 2, value: 0x20)
        bank.write(offset: 0, width: 2, value: 0xD0)
        command(0, 0xFF)
        #expect(word(0x3_FFFC) == 0x0000_FFFF)
    }

    @Test func aBufferIsProgrammedAsAWhole() {
        command(0x1000, 0xE8)
        #expect(word(0x1000) == 0x0080_0080)
        command(0x1000, 31)
        for i in 0..<32 as Range<UInt64> { bank.write(offset: 0x1000 + i * 4, width: 4, value: i * 0x0001_0001) }
        command(0, 0xD0)
        #expect(word(0x1000) == 0x0080_0080)
        command(0, 0xFF)
        for i in 0..<32 as Range<UInt64> { #expect(word(0x1000 + i * 4) == UInt32(i) * 0x0001_0001) }
        #expect(word(0x1080) == 0xFFFF_FFFF)

        // Without the confirmation nothing happens, and the status says so until it is cleared.
        command(0x2000, 0xE8)
        command(0x2000, 0)
        bank.write(offset: 0x2000, width: 4, value: 0)
        command(0x2000, 0xFF)
        #expect(word(0) == 0x00B0_00B0)
        command(0, 0x50)
        command(0, 0x70)
        #expect(word(0) == 0x0080_0080)
        command(0, 0xFF)
        #expect(word(0x2000) == 0xFFFF_FFFF)
    }

    @Test func wrongSequencesAreErrors() {
        command(0, 0x20)
        command(0, 0xFF)
        #expect(word(0) == 0x00B0_00B0)
        command(0, 0x50)
        command(0, 0xE8)
        command(0, 0xFFFF)
        #expect(word(0) == 0x00B0_00B0)
        command(0, 0x50)
        // Out of the buffer's place.
        command(0, 0xE8)
        command(0, 1)
        bank.write(offset: 0x100, width: 4, value: 0)
        bank.write(offset: 0x108, width: 4, value: 0)
        #expect(word(0) == 0x00B0_00B0)
        command(0, 0x50)
        command(0, 0xFF)
        #expect(word(0x100) == 0xFFFF_FFFF)
    }

    @Test func lockedBlocksStay() {
        command(0x100, 0x60)
        command(0x100, 0x01)
        command(0x100, 0x40)
        bank.write(offset: 0x100, width: 4, value: 0)
        #expect(word(0) == 0x0092_0092)
        command(0, 0x50)
        command(0x100, 0x20)
        command(0x100, 0xD0)
        #expect(word(0) == 0x00A2_00A2)
        command(0x100, 0x60)
        command(0x100, 0xD0)
        command(0, 0x50)
        command(0x100, 0x40)
        bank.write(offset: 0x100, width: 4, value: 0)
        #expect(word(0) == 0x0080_0080)
        command(0, 0xFF)
        #expect(word(0x100) == 0)
    }

    @Test func aResetKeepsTheCells() {
        command(0x100, 0x40)
        bank.write(offset: 0x100, width: 4, value: 7)
        command(0, 0x98)
        bank.reset()
        #expect(word(0x100) == 7)
    }

    @Test func theFileHasItAtOnce() throws {
        let file = File(size: FlashGeometry.bankSize)
        let bank = FlashBank(try FlashStorage(file.path, isReadOnly: false))
        command(0x4_0100, 0x40, on: bank)
        bank.write(offset: 0x4_0100, width: 4, value: 0x0403_0201)
        #expect(file.content(0x4_0100, 5) == [1, 2, 3, 4, 0xFF])
        command(0x4_0000, 0x20, on: bank)
        command(0x4_0000, 0xD0, on: bank)
        #expect(file.content(0x4_0100, 4) == [0xFF, 0xFF, 0xFF, 0xFF])
    }

    @Test func aShortFileGrowsAsFarAsItIsWritten() throws {
        let file = File(size: 100, fill: 0x55)
        do {
            let bank = FlashBank(try FlashStorage(file.path, isReadOnly: false))
            #expect(word(96, on: bank) == 0x5555_5555)
            #expect(word(100, on: bank) == 0xFFFF_FFFF)
            command(0x1000, 0x40, on: bank)
            bank.write(offset: 0x1000, width: 4, value: 0)
        }
        #expect(file.size == 0x1004)
        #expect(file.content(99, 2) == [0x55, 0xFF])
        let again = FlashBank(try FlashStorage(file.path, isReadOnly: true))
        #expect(word(0x1000, on: again) == 0)
        #expect(word(0xFFC, on: again) == 0xFFFF_FFFF)
    }

    @Test func readOnlyBanksRefuse() throws {
        let file = File(size: 4096, fill: 0x11)
        let bank = FlashBank(try FlashStorage(file.path, isReadOnly: true))
        command(0, 0x40, on: bank)
        bank.write(offset: 0, width: 4, value: 0)
        #expect(word(0, on: bank) == 0x0090_0090)
        command(0, 0x50, on: bank)
        command(0, 0x20, on: bank)
        command(0, 0xD0, on: bank)
        #expect(word(0, on: bank) == 0x00A0_00A0)
        command(0, 0xFF, on: bank)
        #expect(word(0, on: bank) == 0x1111_1111)
        #expect(file.content(0, 4) == [0x11, 0x11, 0x11, 0x11])
    }

    @Test func filesThatWontDo() throws {
        func refusal(_ path: String, readOnly: Bool = false) -> FlashError? {
            do throws(FlashError) {
                _ = try FlashStorage(path, isReadOnly: readOnly)
                return nil
            } catch { return error }
        }
        #expect(refusal("/nonexistent/x") == .cantOpen(errno: ENOENT))
        #expect(refusal("/tmp", readOnly: true) == .notAFile)
        let big = File(size: 0)
        truncate(big.path, off_t(FlashGeometry.bankSize + 1))
        #expect(refusal(big.path) == .tooLarge(UInt64(FlashGeometry.bankSize + 1)))
        let file = File(size: 10)
        let first = try FlashStorage(file.path, isReadOnly: false)
        if case .inUse(let pid, _)? = refusal(file.path) { #expect(pid == getpid()) } else { Issue.record("opened twice") }
        withExtendedLifetime(first) {}
        let shared = File(size: 10)
        let readers = (try FlashStorage(shared.path, isReadOnly: true), try FlashStorage(shared.path, isReadOnly: true))
        withExtendedLifetime(readers) {}
    }

    /// Whatever is written wherever, there is an answer.
    @Test func anySequenceHasAnAnswer() {
        var generator = SeededGenerator(seed: 4)
        let commands: [UInt64] = [0xFF, 0x90, 0x98, 0x70, 0x50, 0x10, 0x40, 0x20, 0xD0, 0x60, 0x01, 0x2F, 0xE8, 0xC0, 0, 1, 31, 0x1FF, 0xFFFF]
        for _ in 0..<1_000_000 {
            let near = UInt64.random(in: 0..<64, using: &generator) * 4
            let offset = [near, near, near, 0x3_FFF0 + near, 0x1FF_FFC0 + near, UInt64.random(in: 0...UInt64.max, using: &generator)].randomElement(using: &generator)!
            let width = [1, 2, 4, 4, 4, 8, 3, 0].randomElement(using: &generator)!
            let one = commands.randomElement(using: &generator)!
            switch UInt8.random(in: 0..<8, using: &generator) {
            case 0, 1, 2: _ = bank.read(offset: offset, width: width)
            case 3: bank.write(offset: offset, width: width, value: generator.next())
            // An erase is the one slow thing.
            case 4 where one != 0x20: bank.write(offset: offset, width: width, value: one)
            default: if one != 0x20 || generator.next() % 64 == 0 { bank.write(offset: offset, width: 4, value: one | one << 16) }
            }
        }
    }
}
