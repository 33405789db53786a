import Devices
import Testing

/// The control region, register by register (AIA 1.0, section 4.5).
@Suite struct APLICRegisterTests {
    @Test func domaincfg() throws {
        for (messages, mode): (Bool, UInt32) in [(false, 0), (true, 4)] {
            let r = try APLICRig(messages: messages, hasMachineLevel: true)
            for domain in [r.root, r.leaf] {
                #expect(domain.domaincfg == 0x8000_0000 | mode)
                domain.domaincfg = 0xFFFF_FFFF
                #expect(domain.domaincfg == 0x8000_0100 | mode, "BE and DM are fixed, the rest is reserved")
                domain.domaincfg = ~0x100
                #expect(domain.domaincfg == 0x8000_0000 | mode)
                // How software writes 8 bits before it knows the byte order.
                domain.domaincfg = 0x0400_0004
                #expect(domain.domaincfg == 0x8000_0000 | mode)
            }
        }
    }

    @Test func sourcecfgOfALeaf() throws {
        let r = try APLICRig(messages: false)
        for source in 1...96 {
            #expect(r.leaf.sourcecfg(source) == 0)
            for mode: UInt32 in 0...7 {
                r.leaf.sourcecfg(source, mode | 0xFFFF_F800)
                #expect(r.leaf.sourcecfg(source) == (mode == 2 || mode == 3 ? 0 : mode))
            }
            r.leaf.sourcecfg(source, 0x406)
            #expect(r.leaf.sourcecfg(source) == 0, "D in a leaf makes the whole register zero")
        }
        for source in 97...1023 {
            r.leaf.sourcecfg(source, 6)
            #expect(r.leaf.sourcecfg(source) == 0, "not implemented")
        }
    }

    @Test func inactiveSourcesReadZero() throws {
        for messages in [false, true] {
            let r = try APLICRig(messages: messages)
            for source in 1...96 {
                r.raise(source)
                r.leaf.target(source, 0xFFFF_FFFF)
                #expect(r.leaf.target(source) == 0)
            }
            for word: UInt64 in 0..<32 {
                r.leaf.put(0x1C00 + 4 * word, 0xFFFF_FFFF)
                r.leaf.put(0x1E00 + 4 * word, 0xFFFF_FFFF)
                #expect(r.leaf.get(0x1C00 + 4 * word) == 0)
                #expect(r.leaf.get(0x1D00 + 4 * word) == 0)
                #expect(r.leaf.get(0x1E00 + 4 * word) == 0)
            }
        }
    }

    /// Enable and pending bits by word and by number, over all 1024 places.
    @Test(arguments: [(0x1E00, 0x1F00, 0x1EDC, 0x1FDC), (0x1C00, 0x1D00, 0x1CDC, 0x1DDC)] as [(UInt64, UInt64, UInt64, UInt64)])
    func bitsAndNumbers(bits: UInt64, clear: UInt64, setNumber: UInt64, clearNumber: UInt64) throws {
        let leaf = try APLICRig(messages: false).leaf
        for source in 1...96 { leaf.sourcecfg(source, 1) }
        func words() -> [UInt32] { (0..<32).map { leaf.get(bits + 4 * $0) } }
        var expected = [UInt32](repeating: 0, count: 32)
        #expect(words() == expected)
        for word: UInt64 in 0..<32 { leaf.put(bits + 4 * word, 0xFFFF_FFFF) }
        (expected[0], expected[1], expected[2], expected[3]) = (0xFFFF_FFFE, 0xFFFF_FFFF, 0xFFFF_FFFF, 1)
        #expect(words() == expected, "1 to 96 exist, 0 doesn't")
        leaf.put(bits, 0)
        #expect(words() == expected, "zeros change nothing")
        leaf.put(clear + 4, 0x8000_0001)
        expected[1] = 0x7FFF_FFFE
        #expect(words() == expected)
        for word: UInt64 in 0..<32 { leaf.put(clear + 4 * word, 0xFFFF_FFFF) }
        expected = [UInt32](repeating: 0, count: 32)
        #expect(words() == expected)
        for number: UInt32 in [0, 97, 127, 128, 1023, 1024 + 5, 0x1_0005, 0x8000_0005, 0xFFFF_FFFF] {
            leaf.put(setNumber, number)
            #expect(words() == expected, "no such source: \(number)")
        }
        for number: UInt32 in [1, 31, 32, 95, 96] {
            leaf.put(setNumber, number)
            expected[Int(number / 32)] |= 1 << (number % 32)
            #expect(words() == expected)
        }
        for number: UInt32 in [0, 97, 0x1_0001, 0xFFFF_FFFF] { leaf.put(clearNumber, number) }
        #expect(words() == expected)
        for number: UInt32 in [1, 31, 32, 95, 96] {
            leaf.put(clearNumber, number)
            expected[Int(number / 32)] &= ~(1 << (number % 32))
            #expect(words() == expected)
        }
        for source in 1...96 { leaf.put(setNumber, UInt32(source)) }
        for offset in [setNumber, clearNumber] { #expect(leaf.get(offset) == 0) }
        // clrie reads zero; in_clrip reads inputs, which detached sources don't have.
        for word: UInt64 in 0..<32 { #expect(leaf.get(clear + 4 * word) == 0) }
    }

    @Test func setipnumInBothByteOrders() throws {
        let leaf = try APLICRig(messages: false).leaf
        for source in 1...96 { leaf.sourcecfg(source, 1) }
        leaf.put(0x2000, 5)
        leaf.put(0x2004, 6 << 24)
        leaf.put(0x2004, 7)
        leaf.put(0x2000, 8 << 24)
        #expect(leaf.get(0x1C00) == 0x60)
        #expect(leaf.get(0x2000) == 0)
        #expect(leaf.get(0x2004) == 0)
    }

    @Test func targetsInDirectMode() throws {
        let leaf = try APLICRig(messages: false).leaf
        leaf.sourcecfg(3, 6)
        #expect(leaf.target(3) & 0xFF != 0, "IPRIO is never 0")
        for (written, read): (UInt32, UInt32) in [
            (0x0004_0007, 0x0004_0007), (0x0008_0000, 0x0008_0001), (0x000F_FFFF, 0x000C_00FF), (0x0003_FF80, 0x0000_0080),
        ] {
            leaf.target(3, written)
            #expect(leaf.target(3) == read)
        }
        leaf.sourcecfg(3, 0)
        #expect(leaf.target(3) == 0)
        leaf.target(97, 0x0004_0007)
        #expect(leaf.target(97) == 0)
    }

    @Test func targetsInMSIMode() throws {
        let r = try APLICRig(messages: true, hasMachineLevel: true)
        r.root.sourcecfg(3, 6)
        r.root.sourcecfg(4, 0x400)
        r.leaf.sourcecfg(4, 6)
        r.root.target(3, 0x0007_FFFF)
        #expect(r.root.target(3) == 0x0004_07FF, "a machine-level domain has no guests")
        r.leaf.target(4, 0x0004_7FFF)
        #expect(r.leaf.target(4) == 0x0004_77FF, "bit 11 is reserved")
        for guest: UInt32 in 0...7 {
            r.leaf.target(4, guest << 12)
            #expect(r.leaf.target(4) == guest << 12, "0 through GEILEN")
        }
        let withoutH = try APLICRig(messages: true, guestIndexBits: 0)
        withoutH.leaf.sourcecfg(4, 6)
        withoutH.leaf.target(4, 0x0007_FFFF)
        #expect(withoutH.leaf.target(4) == 0x0004_07FF)
    }

    @Test func genmsiInDirectModeIsZero() throws {
        let r = try APLICRig(messages: false)
        r.leaf.put(0x3000, 0xFFFF_FFFF)
        #expect(r.leaf.get(0x3000) == 0)
    }

    @Test func reservedBytesReadZero() throws {
        for messages in [false, true] {
            let r = try APLICRig(messages: messages, hasMachineLevel: true)
            var offsets: [UInt64] = [
                0x1000, 0x1BBC, 0x1BD0, 0x1BFC, 0x1C80, 0x1CD8, 0x1CE0, 0x1D80, 0x1DE0, 0x1E80, 0x1EE0, 0x1F80, 0x1FE0, 0x1FFC,
                0x2008, 0x2FFC, 0x400C, 0x4010, 0x4014, 0x4080, 0x409C, 0x7FFC, 0x8000, 0xFFFF_FFFC, ~3,
            ]
            // No IDC structures without direct delivery.
            if messages { offsets += [0x4000, 0x4004, 0x4008, 0x4018, 0x401C, 0x4060] }
            for domain in [r.root, r.leaf] {
                for offset in offsets {
                    domain.put(offset, 0xFFFF_FFFF)
                    #expect(domain.get(offset) == 0, "offset \(String(offset, radix: 16))")
                }
            }
        }
    }

    @Test func idcRegistersAreNarrow() throws {
        let leaf = try APLICRig(messages: false).leaf
        for hart: UInt64 in 0..<4 {
            let idc = 0x4000 + 32 * hart
            #expect([0, 4, 8, 0x18, 0x1C].map { leaf.get(idc + $0) } == [0, 0, 0, 0, 0])
            for offset: UInt64 in [0, 4, 8, 0x18, 0x1C] { leaf.put(idc + offset, 0xFFFF_FFFF) }
            #expect([0, 4, 8, 0x18].map { leaf.get(idc + $0) } == [1, 1, 0xFF, 0])
            for offset: UInt64 in [0, 4, 8] { leaf.put(idc + offset, 0) }
            #expect([0, 4, 8, 0x18].map { leaf.get(idc + $0) } == [0, 0, 0, 0])
        }
    }

    @Test func otherThanAligned32BitAccessesAreIgnored() throws {
        let r = try APLICRig(messages: false)
        r.leaf.set(up: 5, mode: .edge1, target: 1)
        r.raise(5)
        let device = r.leaf.device
        for (offset, width): (UInt64, Int) in [(0x401C, 1), (0x401C, 2), (0x4018, 8), (0x401A, 4), (0x401E, 2), (0x1C01, 4), (0x1C00, 8)] {
            #expect(device.read(offset: offset, width: width) == 0)
        }
        #expect(r.leaf.isPending(5), "nothing was claimed")
        for (offset, width): (UInt64, Int) in [(0, 1), (1, 1), (0, 2), (0, 8), (2, 4), (0x3000 + 20, 8)] {
            device.write(offset: offset, width: width, value: ~0)
        }
        #expect(r.leaf.domaincfg == 0x8000_0000)
        #expect(r.leaf.target(5) == 1)
    }

    @Test func linesExistFor1To96() throws {
        let aplic = try APLICRig(messages: false).aplic
        for source in [.min, -1, 0, 97, 1023, .max] { #expect(aplic.line(source: source) == nil) }
        for source in [1, 96] { #expect(aplic.line(source: source) != nil) }
    }

    @Test func resetIsPowerOn() throws {
        for messages in [false, true] {
            let r = try APLICRig(messages: messages, hasMachineLevel: true)
            r.delegateAll()
            r.root.set(up: 7, mode: .level1, target: 1 << 18 | 3)
            for source in 1...96 { r.leaf.set(up: source, mode: .level1, target: 1 << 18 | 3) }
            for domain in [r.root, r.leaf] {
                domain.domaincfg = 0x100
                domain.idelivery(1, 1)
            }
            for index: UInt64 in 0..<4 { r.root.put(0x1BCC - 4 * index, 0xFFFF_FFFF) }
            r.raise(7)
            r.raise(8)
            r.root.put(0x3000, 5)
            if !messages { #expect(r.wires[1].level && r.machineWires[1].level) }
            r.aplic.reset()
            #expect((r.wires + r.machineWires).allSatisfy { !$0.level })
            for domain in [r.root, r.leaf] {
                #expect(domain.domaincfg == 0x8000_0000 | (messages ? 4 : 0))
                for offset in stride(from: UInt64(4), to: 0x4080, by: 4) where domain.get(offset) != 0 {
                    Issue.record("offset \(String(offset, radix: 16)) isn't 0")
                }
            }
            // The wires are as they were.
            r.root.sourcecfg(8, 6)
            #expect(r.root.isRectified(8))
        }
    }
}
