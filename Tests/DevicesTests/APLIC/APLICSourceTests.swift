import Devices
import Testing

/// Source modes: when a pending bit is set and cleared (AIA 1.0, section 4.7, "Precise effects on
/// interrupt-pending bits"). The sources aren't enabled, so that nothing else touches their bits.
@Suite struct APLICSourceTests {
    @Test(arguments: [false, true])
    func detachedHeedsNoWire(messages: Bool) throws {
        let r = try APLICRig(messages: messages)
        r.leaf.sourcecfg(9, 1)
        for level in [true, false, true] {
            r.wire(9, level)
            #expect(!r.leaf.isPending(9))
            #expect(!r.leaf.isRectified(9))
        }
        r.leaf.setipnum(9)
        #expect(r.leaf.isPending(9))
        r.lower(9)
        #expect(r.leaf.isPending(9))
        r.leaf.clripnum(9)
        #expect(!r.leaf.isPending(9))
    }

    @Test(arguments: [false, true], [DomainRegisters.Mode.edge1, .edge0])
    func edges(messages: Bool, mode: DomainRegisters.Mode) throws {
        let r = try APLICRig(messages: messages)
        /// `high` as rectified.
        func input(_ high: Bool) { r.wire(64, high == (mode == .edge1)) }
        input(false)
        r.leaf.sourcecfg(64, mode.rawValue)
        #expect(!r.leaf.isPending(64) && !r.leaf.isRectified(64))
        input(true)
        #expect(r.leaf.isPending(64) && r.leaf.isRectified(64), "a low-to-high transition of the rectified input")
        input(false)
        #expect(r.leaf.isPending(64) && !r.leaf.isRectified(64), "the other edge changes nothing")
        r.leaf.clripnum(64)
        #expect(!r.leaf.isPending(64))
        input(true)
        r.leaf.clripnum(64)
        #expect(!r.leaf.isPending(64), "cleared though the input is high")
        input(true)
        #expect(!r.leaf.isPending(64), "no edge, no interrupt")
        input(false)
        #expect(!r.leaf.isPending(64))
        r.leaf.setipnum(64)
        #expect(r.leaf.isPending(64), "set by software, whatever the input")
    }

    /// "the pending bit for a level-sensitive source is always just a copy of the rectified input value"
    @Test(arguments: [DomainRegisters.Mode.level1, .level0])
    func levelsInDirectMode(mode: DomainRegisters.Mode) throws {
        let r = try APLICRig(messages: false)
        func input(_ high: Bool) { r.wire(33, high == (mode == .level1)) }
        input(false)
        r.leaf.sourcecfg(33, mode.rawValue)
        for high in [false, true, false, true] {
            input(high)
            #expect(r.leaf.isPending(33) == high && r.leaf.isRectified(33) == high)
            r.leaf.setipnum(33)
            r.leaf.put(0x1C04, 2)
            #expect(r.leaf.isPending(33) == high, "can't be set by software")
            r.leaf.clripnum(33)
            r.leaf.put(0x1D04, 2)
            #expect(r.leaf.isPending(33) == high, "nor cleared")
        }
        // A source that is asserted when it gets its mode.
        r.leaf.sourcecfg(33, 0)
        #expect(!r.leaf.isPending(33) && !r.leaf.isRectified(33))
        r.leaf.sourcecfg(33, mode.rawValue)
        #expect(r.leaf.isPending(33))
        r.leaf.sourcecfg(33, mode.rawValue ^ 1)
        #expect(!r.leaf.isPending(33), "with the other polarity it isn't")
    }

    @Test(arguments: [DomainRegisters.Mode.level1, .level0])
    func levelsInMSIMode(mode: DomainRegisters.Mode) throws {
        let r = try APLICRig(messages: true)
        func input(_ high: Bool) { r.wire(96, high == (mode == .level1)) }
        input(false)
        r.leaf.sourcecfg(96, mode.rawValue)
        #expect(!r.leaf.isPending(96))
        r.leaf.setipnum(96)
        #expect(!r.leaf.isPending(96), "not when the rectified input is low")
        input(true)
        #expect(r.leaf.isPending(96), "a low-to-high transition")
        r.leaf.clripnum(96)
        #expect(!r.leaf.isPending(96), "cleared by software")
        #expect(r.leaf.isRectified(96))
        r.leaf.setipnum(96)
        #expect(r.leaf.isPending(96), "set by software when the rectified input is high")
        input(false)
        #expect(!r.leaf.isPending(96), "cleared whenever the rectified input is low")
        // A device that has asserted its line before the driver comes.
        r.leaf.sourcecfg(96, 0)
        input(true)
        r.leaf.sourcecfg(96, mode.rawValue)
        #expect(r.leaf.isPending(96))
    }

    @Test(arguments: [false, true])
    func inactiveClearsPendingAndEnable(messages: Bool) throws {
        let r = try APLICRig(messages: messages)
        r.raise(12)
        for mode in DomainRegisters.Mode.active {
            r.leaf.sourcecfg(12, mode.rawValue)
            r.leaf.setipnum(12)
            r.leaf.setienum(12)
            #expect(r.leaf.isEnabled(12))
            r.leaf.sourcecfg(12, 0)
            #expect(!r.leaf.isPending(12) && !r.leaf.isEnabled(12) && !r.leaf.isRectified(12))
            #expect(r.leaf.target(12) == 0)
            r.leaf.sourcecfg(12, 1)
            #expect(!r.leaf.isPending(12) && !r.leaf.isEnabled(12), "they remain zeros")
            r.leaf.sourcecfg(12, 0)
        }
    }

    /// "A write to a sourcecfg register will not by itself cause a pending bit to be cleared except when the source
    /// is made inactive."
    @Test(arguments: [false, true])
    func aNewModeKeepsPendingAndEnable(messages: Bool) throws {
        let r = try APLICRig(messages: messages)
        r.leaf.sourcecfg(2, 4)
        r.leaf.target(2, 3 << 18 | 9)
        r.leaf.setipnum(2)
        r.leaf.setienum(2)
        for mode: UInt32 in [5, 1, 4] {
            r.leaf.sourcecfg(2, mode)
            #expect(r.leaf.isPending(2) && r.leaf.isEnabled(2))
            #expect(r.leaf.target(2) == 3 << 18 | 9)
        }
    }

    @Test func everySourceHasItsBit() throws {
        let r = try APLICRig(messages: false)
        for source in 1...96 { r.leaf.sourcecfg(source, 6) }
        for source in 1...96 {
            r.raise(source)
            let word = UInt64(source / 32)
            #expect(r.leaf.get(0x1D00 + 4 * word) == 1 << UInt32(source % 32))
            #expect(r.leaf.get(0x1C00 + 4 * word) == 1 << UInt32(source % 32))
            r.lower(source)
        }
    }
}

/// Delegation from the machine-level root domain (AIA 1.0, sections 4.2 and 4.5.2).
@Suite struct APLICDelegationTests {
    @Test func onlyDelegatedSourcesExistInTheChild() throws {
        let r = try APLICRig(messages: false, hasMachineLevel: true)
        r.leaf.sourcecfg(10, 6)
        #expect(r.leaf.sourcecfg(10) == 0)
        r.root.sourcecfg(10, 0x400)
        #expect(r.root.sourcecfg(10) == 0x400)
        #expect(r.leaf.sourcecfg(10) == 0, "zero until written")
        r.leaf.sourcecfg(10, 6)
        #expect(r.leaf.sourcecfg(10) == 6)
        r.leaf.sourcecfg(11, 6)
        #expect(r.leaf.sourcecfg(11) == 0)
        r.root.sourcecfg(10, 0x400)
        #expect(r.leaf.sourcecfg(10) == 6, "delegated as before")
        r.root.sourcecfg(97, 0x400)
        #expect(r.root.sourcecfg(97) == 0)
    }

    @Test(arguments: [false, true])
    func aDelegatedSourceIsTheChilds(messages: Bool) throws {
        let r = try APLICRig(messages: messages, hasMachineLevel: true)
        r.root.set(up: 10, mode: .edge1, target: 1)
        r.root.setipnum(10)
        r.root.sourcecfg(10, 0x400)
        #expect(!r.root.isPending(10) && !r.root.isEnabled(10) && r.root.target(10) == 0)
        r.leaf.sourcecfg(10, 4)
        #expect(!r.leaf.isPending(10) && !r.leaf.isEnabled(10))
        r.raise(10)
        #expect(r.leaf.isPending(10) && r.leaf.isRectified(10))
        #expect(!r.root.isPending(10) && !r.root.isRectified(10))
        r.root.setipnum(10)
        r.root.setienum(10)
        r.root.target(10, 1 << 18)
        #expect(!r.root.isPending(10) && !r.root.isEnabled(10) && r.root.target(10) == 0)
    }

    @Test(arguments: [false, true], [0, 1, 6] as [UInt32])
    func theParentTakesItBack(messages: Bool, mode: UInt32) throws {
        let r = try APLICRig(messages: messages, hasMachineLevel: true)
        r.root.sourcecfg(10, 0x400)
        r.leaf.set(up: 10, mode: .level1, target: 2 << 18 | 7)
        r.leaf.clrienum(10)
        r.raise(10)
        #expect(r.leaf.isPending(10))
        r.root.sourcecfg(10, mode)
        #expect(r.root.sourcecfg(10) == mode)
        #expect(r.leaf.sourcecfg(10) == 0 && r.leaf.target(10) == 0 && !r.leaf.isPending(10) && !r.leaf.isRectified(10))
        r.leaf.sourcecfg(10, 6)
        #expect(r.leaf.sourcecfg(10) == 0)
        #expect(r.root.isPending(10) == (mode == 6))
        r.root.sourcecfg(10, 0x400)
        #expect(r.leaf.sourcecfg(10) == 0, "delegated again, it begins anew")
    }

    @Test func levelsDriveTheirOwnWires() throws {
        let r = try APLICRig(messages: false, hasMachineLevel: true)
        r.root.sourcecfg(2, 0x400)
        for (domain, source) in [(r.root, 1), (r.leaf, 2)] {
            domain.domaincfg = 0x100
            domain.idelivery(1, 1)
            domain.set(up: source, mode: .level1, target: 1 << 18 | 1)
        }
        r.raise(1)
        #expect(r.machineWires.map(\.level) == [false, true, false, false])
        #expect(r.wires.allSatisfy { !$0.level })
        r.lower(1)
        r.raise(2)
        #expect(r.machineWires.allSatisfy { !$0.level })
        #expect(r.wires.map(\.level) == [false, true, false, false])
        r.root.sourcecfg(2, 0)
        #expect(r.wires.allSatisfy { !$0.level })
    }
}
