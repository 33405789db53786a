import Devices
import Testing

/// Remembers the MSIs that arrive.
final class FakeInbox: MessageReceiver, @unchecked Sendable {
    struct Message: Equatable { var address: UInt64, data: UInt32 }
    private(set) var messages: [Message] = []

    func send(address: UInt64, data: UInt32) { messages.append(Message(address: address, data: data)) }

    /// What has come since the last time.
    func take() -> [Message] {
        defer { messages = [] }
        return messages
    }
}

/// The registers of one domain by name. Offsets are those of AIA 1.0, section 4.5, table 4.1.
struct DomainRegisters {
    let device: any MMIODevice

    func get(_ offset: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: device.read(offset: offset, width: 4)) }
    func put(_ offset: UInt64, _ value: UInt32) { device.write(offset: offset, width: 4, value: UInt64(value)) }

    var domaincfg: UInt32 {
        get { get(0) }
        nonmutating set { put(0, newValue) }
    }
    func sourcecfg(_ source: Int) -> UInt32 { get(4 * UInt64(source)) }
    func sourcecfg(_ source: Int, _ value: UInt32) { put(4 * UInt64(source), value) }
    func target(_ source: Int) -> UInt32 { get(0x3000 + 4 * UInt64(source)) }
    func target(_ source: Int, _ value: UInt32) { put(0x3000 + 4 * UInt64(source), value) }

    private func bit(_ base: UInt64, _ source: Int) -> Bool { get(base + 4 * UInt64(source / 32)) >> UInt32(source % 32) & 1 == 1 }
    func isPending(_ source: Int) -> Bool { bit(0x1C00, source) }
    func isRectified(_ source: Int) -> Bool { bit(0x1D00, source) }
    func isEnabled(_ source: Int) -> Bool { bit(0x1E00, source) }
    func setipnum(_ value: UInt32) { put(0x1CDC, value) }
    func clripnum(_ value: UInt32) { put(0x1DDC, value) }
    func setienum(_ value: UInt32) { put(0x1EDC, value) }
    func clrienum(_ value: UInt32) { put(0x1FDC, value) }

    // IDC structures.
    func idelivery(_ hart: Int, _ value: UInt32) { put(0x4000 + 32 * UInt64(hart), value) }
    func iforce(_ hart: Int, _ value: UInt32) { put(0x4004 + 32 * UInt64(hart), value) }
    func iforce(_ hart: Int) -> UInt32 { get(0x4004 + 32 * UInt64(hart)) }
    func ithreshold(_ hart: Int, _ value: UInt32) { put(0x4008 + 32 * UInt64(hart), value) }
    func topi(_ hart: Int) -> UInt32 { get(0x4018 + 32 * UInt64(hart)) }
    func claimi(_ hart: Int) -> UInt32 { get(0x401C + 32 * UInt64(hart)) }

    /// An active, enabled source with a target.
    func set(up source: Int, mode: Mode, target: UInt32) {
        sourcecfg(source, mode.rawValue)
        self.target(source, target)
        setienum(UInt32(source))
    }

    /// sourcecfg.SM, table 4.2.
    enum Mode: UInt32, CaseIterable {
        case inactive = 0, detached = 1, edge1 = 4, edge0 = 5, level1 = 6, level0 = 7
        static let active: [Mode] = [.detached, .edge1, .edge0, .level1, .level0]
    }
}

/// An APLIC with four harts, all fakes.
final class APLICRig {
    let machineWires: [FakeLine]
    let wires: [FakeLine]
    let inbox = FakeInbox()
    let aplic: APLIC
    let root: DomainRegisters
    /// The supervisor level's domain; the root itself without M-mode.
    let leaf: DomainRegisters
    private let lines: [any InterruptLine]

    init(
        messages: Bool, hasMachineLevel: Bool = false, harts: Int = 4,
        addresses: APLIC.MessageAddresses = .init(supervisorBase: 0x2800_0000, strideBits: 15, hartIndexBits: 6), guestIndexBits: Int = 3
    ) throws {
        let machineWires = (0..<harts).map { _ in FakeLine() }, wires = (0..<harts).map { _ in FakeLine() }
        let machine: APLIC.Delivery? = hasMachineLevel ? messages ? .messages(to: inbox) : .direct(wires: machineWires) : nil
        aplic = APLIC(
            machine: machine, supervisor: messages ? .messages(to: inbox) : .direct(wires: wires),
            addresses: hasMachineLevel ? .init() : addresses, guestIndexBits: guestIndexBits)
        (self.machineWires, self.wires) = (machineWires, wires)
        root = DomainRegisters(device: try #require(aplic.domains.first))
        leaf = DomainRegisters(device: try #require(aplic.domains.last))
        lines = (1...96).compactMap { [aplic] in aplic.line(source: $0) }
        try #require(lines.count == 96)
    }

    /// With M-mode: hands every source to the leaf.
    func delegateAll() { for source in 1...96 { root.sourcecfg(source, 0x400) } }

    func raise(_ source: Int) { lines[source - 1].set(true) }
    func lower(_ source: Int) { lines[source - 1].set(false) }
    func wire(_ source: Int, _ level: Bool) { lines[source - 1].set(level) }
}
