import Boot
import Machine
import Testing

/// What the device tree is told about the interrupt controllers: the addresses are those of QEMU's `virt` board.
@Suite struct InterruptTreeTests {
    typealias Region = MachineDescription.Region

    func aplic(_ irqchip: String, _ others: (SettingKey, String)...) throws -> MachineDescription.APLIC {
        var settings: Settings = [.irqchip: Setting(irqchip, origin: "--irqchip")]
        for (key, text) in others { settings.add(Setting(text, origin: "--\(key.name)"), to: key) }
        guard case .aplic(let aplic) = MachineDescription(try GuestConfiguration(settings)).interruptController else {
            throw MachineError(.bug, "no APLIC")
        }
        return aplic
    }

    @Test func thePLICIsTheDefault() throws {
        guard case .plic(let plic) = MachineDescription(try GuestConfiguration([:])).interruptController else {
            Issue.record("no PLIC")
            return
        }
        #expect(plic.region == Region(base: 0x0C00_0000, size: 0x60_0000))
        #expect(plic.sources == 95)
    }

    @Test func anAPLICAlone() throws {
        let alone = try aplic("aplic", (.smp, "4"))
        #expect(alone.machine == nil && alone.imsic == nil)
        #expect(alone.supervisor == Region(base: 0x0D00_0000, size: 0x8000))
        #expect(alone.sources == 96)
        #expect(try aplic("aplic", (.firmware, "none")).machine == Region(base: 0x0C00_0000, size: 0x8000))
    }

    @Test func interruptFiles() throws {
        let plain = try #require(try aplic("aia", (.smp, "4")).imsic)
        #expect(plain.machine == nil && plain.identities == 255 && plain.guestIndexBits == 0)
        #expect(plain.supervisor == Region(base: 0x2800_0000, size: 0x4000))
        let guests = try #require(try aplic("aia", (.smp, "64"), (.cpu, "rv64gch"), (.firmware, "none")).imsic)
        #expect(guests.guestIndexBits == 3)
        #expect(guests.supervisor == Region(base: 0x2800_0000, size: 64 * 0x8000))
        #expect(guests.machine == Region(base: 0x2400_0000, size: 64 * 0x1000))
    }
}
