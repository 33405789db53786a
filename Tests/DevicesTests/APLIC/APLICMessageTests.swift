import Devices
import Testing

/// MSI delivery mode (AIA 1.0, section 4.9).
@Suite struct APLICMessageTests {
    typealias Message = FakeInbox.Message

    func rig() throws -> APLICRig {
        let r = try APLICRig(messages: true)
        r.leaf.domaincfg = 0x100
        return r
    }

    func target(_ hart: UInt32, _ identity: UInt32, guest: UInt32 = 0) -> UInt32 { hart << 18 | guest << 12 | identity }

    /// Harts' files 32 KiB apart from 0x28000000 on, as the rig says.
    func message(_ hart: UInt64, _ identity: UInt32, guest: UInt64 = 0) -> Message {
        Message(address: 0x2800_0000 + hart * 0x8000 + guest * 0x1000, data: identity)
    }

    @Test func anEdgeIsAMessage() throws {
        let r = try rig()
        r.leaf.set(up: 3, mode: .edge1, target: target(2, 77))
        r.raise(3)
        #expect(r.inbox.take() == [message(2, 77)])
        #expect(!r.leaf.isPending(3), "cleared when the MSI is sent")
        r.lower(3)
        #expect(r.inbox.take() == [])
        r.raise(3)
        #expect(r.inbox.take() == [message(2, 77)])
        r.leaf.setipnum(3)
        #expect(r.inbox.take() == [message(2, 77)])
    }

    @Test func hartsGuestsAndIdentities() throws {
        let r = try rig()
        r.leaf.sourcecfg(1, 1)
        r.leaf.setienum(1)
        for hart: UInt32 in [0, 1, 2, 3, 32, 63] {
            for guest: UInt32 in [0, 1, 7] {
                for identity: UInt32 in [0, 1, 255, 2047] {
                    r.leaf.target(1, target(hart, identity, guest: guest))
                    r.leaf.setipnum(1)
                    #expect(r.inbox.take() == [message(UInt64(hart), identity, guest: UInt64(guest))])
                }
            }
        }
    }

    /// "ignores the source until its incoming signal has been de-asserted"; the two ways to ask for more.
    @Test func aLevelIsOneMessage() throws {
        let r = try rig()
        r.leaf.set(up: 3, mode: .level1, target: target(0, 9))
        r.raise(3)
        #expect(r.inbox.take() == [message(0, 9)])
        #expect(!r.leaf.isPending(3) && r.leaf.isRectified(3))
        r.leaf.clrienum(3)
        r.leaf.setienum(3)
        r.leaf.domaincfg = 0
        r.leaf.domaincfg = 0x100
        #expect(r.inbox.take() == [])
        r.leaf.setipnum(3)
        #expect(r.inbox.take() == [message(0, 9)], "still asserted")
        r.lower(3)
        r.leaf.setipnum(3)
        #expect(r.inbox.take() == [], "not asserted any more")
        r.raise(3)
        #expect(r.inbox.take() == [message(0, 9)])
    }

    @Test func aLevelThatGoesBeforeItIsEnabledIsNone() throws {
        let r = try rig()
        r.leaf.sourcecfg(3, 6)
        r.raise(3)
        r.lower(3)
        r.leaf.setienum(3)
        #expect(r.inbox.take() == [])
    }

    @Test func enablesHoldMessagesBack() throws {
        let r = try rig()
        r.leaf.domaincfg = 0
        for source in [90, 40, 3] { r.leaf.set(up: source, mode: .edge1, target: target(1, UInt32(source))) }
        r.leaf.clrienum(40)
        for source in [90, 40, 3] { r.raise(source) }
        #expect(r.inbox.take() == [])
        #expect([90, 40, 3].allSatisfy(r.leaf.isPending))
        r.leaf.domaincfg = 0x100
        #expect(r.inbox.take() == [message(1, 3), message(1, 90)])
        #expect(!r.leaf.isPending(3) && r.leaf.isPending(40) && !r.leaf.isPending(90))
        r.leaf.put(0x1E04, 1 << 8)
        #expect(r.inbox.take() == [message(1, 40)])
    }

    @Test func messagesWrittenToTheAPLIC() throws {
        let r = try rig()
        r.leaf.set(up: 50, mode: .detached, target: target(3, 5))
        r.leaf.put(0x2000, 50)
        r.leaf.put(0x2004, 50 << 24)
        #expect(r.inbox.take() == [message(3, 5), message(3, 5)])
    }

    @Test func extemporeMessages() throws {
        let r = try rig()
        r.leaf.domaincfg = 0
        r.leaf.put(0x3000, 0xFFFF_FFFF)
        #expect(r.leaf.get(0x3000) == 0xFFFC_07FF, "Hart Index and EIID; Busy is over")
        #expect(r.inbox.take() == [message(63, 2047)])
        r.leaf.put(0x3000, target(2, 30))
        #expect(r.leaf.get(0x3000) == target(2, 30))
        #expect(r.inbox.take() == [message(2, 30)], "whatever IE says")
    }

    // MARK: Addresses

    /// The formulas of section 4.9.1, with numbers worked out by hand:
    /// mmsiaddrcfgh: HHXS 8, LHXS 1, HHXW 2, LHXW 3, High Base PPN 0x001; Low Base PPN 0x00024000.
    /// smsiaddrcfgh: LHXS 3, High Base PPN 0x002; Low Base PPN 0x00028000.
    /// Hart index 0b11101: g = 3, h = 5.
    @Test func addressesFromTheRegisters() throws {
        let r = try APLICRig(messages: true, hasMachineLevel: true)
        r.root.put(0x1BC0, 0x0002_4000)
        r.root.put(0x1BC4, 8 << 24 | 1 << 20 | 2 << 16 | 3 << 12 | 0x001)
        r.root.put(0x1BC8, 0x0002_8000)
        r.root.put(0x1BCC, 3 << 20 | 0x002)
        r.root.sourcecfg(2, 0x400)
        for (domain, source) in [(r.root, 1), (r.leaf, 2)] {
            domain.domaincfg = 0x100
            domain.set(up: source, mode: .edge1, target: target(0b11101, 8, guest: 6))
        }
        r.raise(1)
        // (0x1_0002_4000 | 3 << 20 | 5 << 1) << 12
        #expect(r.inbox.take() == [Message(address: 0x1003_2400_A000, data: 8)])
        r.raise(2)
        // (0x2_0002_8000 | 3 << 20 | 5 << 3 | 6) << 12
        #expect(r.inbox.take() == [Message(address: 0x2003_2802_E000, data: 8)])
        // The hart index's bits above both widths don't count.
        r.leaf.put(0x3000, target(0x3FE0 | 0b11101, 8))
        #expect(r.inbox.take() == [Message(address: 0x2003_2802_8000, data: 8)])
        r.root.put(0x3000, target(0, 1))
        #expect(r.inbox.take() == [Message(address: 0x1000_2400_0000, data: 1)])
    }

    /// QEMU's `virt` board with 4 harts, as OpenSBI sets it up.
    @Test func addressesAsFirmwareSetsThem() throws {
        let r = try APLICRig(messages: true, hasMachineLevel: true)
        for (offset, value): (UInt64, UInt32) in [(0x1BC0, 0x24000), (0x1BC4, 2 << 12), (0x1BC8, 0x28000), (0x1BCC, 3 << 20)] { r.root.put(offset, value) }
        for hart: UInt32 in 0..<4 {
            r.root.put(0x3000, target(hart, 1))
            r.leaf.put(0x3000, target(hart, 1))
            #expect(r.inbox.take() == [
                Message(address: 0x2400_0000 + 0x1000 * UInt64(hart), data: 1), Message(address: 0x2800_0000 + 0x8000 * UInt64(hart), data: 1),
            ])
        }
    }

    @Test func widestAddress() throws {
        let r = try APLICRig(messages: true, hasMachineLevel: true)
        for offset: UInt64 in [0x1BC0, 0x1BC8, 0x1BCC] { r.root.put(offset, 0xFFFF_FFFF) }
        r.root.put(0x1BC4, 0x7FFF_FFFF)
        r.root.put(0x3000, 0xFFFF_FFFF)
        r.leaf.put(0x3000, 0xFFFF_FFFF)
        // LHXW 15 leaves no bit of the index to the group.
        let address: UInt64 = 0xFFF_FFFF_FFFF << 12
        #expect(r.inbox.take() == [Message(address: address, data: 2047), Message(address: address, data: 2047)])
    }

    @Test func addressRegistersAreAsWideAsTheirFields() throws {
        let r = try APLICRig(messages: true, hasMachineLevel: true)
        let offsets: [UInt64] = [0x1BC0, 0x1BC4, 0x1BC8, 0x1BCC]
        #expect(offsets.map(r.root.get) == [0, 0, 0, 0])
        for offset in offsets { r.root.put(offset, 0x7FFF_FFFF) }
        #expect(offsets.map(r.root.get) == [0x7FFF_FFFF, 0x1F77_FFFF, 0x7FFF_FFFF, 0x0070_0FFF])
        // Nobody but the root has them.
        for offset in offsets { r.leaf.put(offset, 0) }
        #expect(offsets.map(r.leaf.get) == [0, 0, 0, 0])
        #expect(offsets.map(r.root.get) == [0x7FFF_FFFF, 0x1F77_FFFF, 0x7FFF_FFFF, 0x0070_0FFF])
    }

    @Test func lock() throws {
        let r = try APLICRig(messages: true, hasMachineLevel: true)
        let offsets: [UInt64] = [0x1BC0, 0x1BC4, 0x1BC8, 0x1BCC]
        for offset in offsets { r.root.put(offset, 0x123) }
        r.root.put(0x1BC4, 0x8000_0456)
        for offset in offsets { r.root.put(offset, 0) }
        #expect(offsets.map(r.root.get) == [0x123, 0x8000_0456, 0x123, 0x123])
        r.aplic.reset()
        #expect(offsets.map(r.root.get) == [0, 0, 0, 0])
        r.root.put(0x1BC0, 5)
        #expect(r.root.get(0x1BC0) == 5)
    }

    /// "If no interrupt domain of the APLIC supports MSI delivery mode, these two registers are not implemented"; nor
    /// are they ever for a domain that isn't at machine level.
    @Test func whoHasNoAddressRegisters() throws {
        let direct = try APLICRig(messages: false, hasMachineLevel: true), alone = try APLICRig(messages: true)
        for domain in [direct.root, direct.leaf, alone.root] {
            for offset: UInt64 in [0x1BC0, 0x1BC4, 0x1BC8, 0x1BCC] {
                domain.put(offset, 0xFFFF_FFFF)
                #expect(domain.get(offset) == 0)
            }
        }
    }
}
