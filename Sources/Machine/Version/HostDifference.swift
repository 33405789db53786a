import Boot
import ExecutionEngine
import GuestMemory
import RISCV

/// Something that an engine's host dictates to guests, and that the machine version has otherwise.
package struct HostDifference: Equatable, Sendable {
    /// A property of the device tree, or what SBI's base extension answers.
    package let subject: String
    package let here: String
    package let pinned: String

    /// For the user of a guest.
    package func notice(_ engine: any Engine) -> String {
        "this host's \(engine.name) dictates \(subject) \(here); machine \(MachineVersion.name) has \(pinned)"
    }

    /// What the guest would see of this engine that machine version rvkvm-1.0 has otherwise. The SBI is asked when the
    /// configuration is strict only, since that takes a machine of its own; other guests' harts are asked when they
    /// start (`ofSBI`).
    @export(interface) package static func find(
        _ configuration: GuestConfiguration, _ engine: any Engine
    ) throws(MachineError) -> [HostDifference] {
        let isa = configuration.extensions
        var found = compare(engine.dictates, isa)
        if configuration.isStrict, configuration.startMode == .supervisor {
            found += compare(try SBIProbe.ask(engine, configuration))
        }
        return found
    }

    /// Whether a guest's first hart is to be asked: the SBI of an engine whose host dictates something is the host's.
    static func isSBIUnknown(_ configuration: GuestConfiguration, _ engine: any Engine) -> Bool {
        !configuration.isStrict && configuration.startMode == .supervisor && engine.dictates != HostDictates()
    }

    /// What the guest of `cpu` will hear from its SBI that the machine version has otherwise. See `SBIProbe.ask`.
    static func ofSBI(_ cpu: any VirtualCPU, _ memory: GuestMemory, tree: UInt64) throws(MachineError) -> [HostDifference] {
        // Where the guest's memory will be touched anyway; a tree of a few words may end where RAM does.
        let place = memory.pointer(tree, count: UInt64(SBIProbe.room)) == nil ? MemoryMap.ramBase : tree
        return compare(try SBIProbe.ask(cpu, memory, at: place))
    }

    /// Refuses a guest that would see another machine than the one it asks for.
    @export(interface) package static func refuse(
        _ differences: [HostDifference], _ configuration: GuestConfiguration, _ engine: any Engine
    ) throws(MachineError) {
        guard configuration.isStrict, !differences.isEmpty else { return }
        var list = ""
        for one in differences { list += (list.isEmpty ? "" : ", ") + "\(one.subject) \(one.here) instead of \(one.pinned)" }
        throw MachineError(
            .usage,
            "--strict: this host's \(engine.name) dictates \(list), and machine \(MachineVersion.name) pins them; leave --strict out, or use --engine interpreter")
    }

    /// What the device tree says: property by property.
    static func compare(_ host: HostDictates, _ isa: Extensions) -> [HostDifference] {
        var found: [HostDifference] = []
        func note(_ subject: String, _ here: UInt64?, _ pinned: UInt64, _ text: (UInt64) -> String = { String($0) }) {
            guard let here, here != pinned else { return }
            found.append(HostDifference(subject: subject, here: text(here), pinned: text(pinned)))
        }
        note("timebase-frequency", host.timebase, MemoryMap.timebase)
        if isa.contains(.zicbom) { note("riscv,cbom-block-size", host.cbomBlockSize, MachineVersion.blockSize) }
        if isa.contains(.zicboz) { note("riscv,cboz-block-size", host.cbozBlockSize, MachineVersion.blockSize) }
        if isa.contains(.zicbop) { note("riscv,cbop-block-size", host.cbomBlockSize, MachineVersion.blockSize) }
        note("mmu-type", host.satpMode, MachineVersion.satpMode, mmuType)
        return found
    }

    private static func mmuType(_ satpMode: UInt64) -> String { MachineDescription.mmuType(satpMode) }

    /// What SBI's base extension answers: function by function.
    static func compare(_ sbi: SBIAnswers) -> [HostDifference] {
        let pinned = MachineVersion.sbi
        var found: [HostDifference] = []
        func note<T: Equatable>(_ subject: String, _ here: T, _ pinned: T, _ text: (T) -> String) {
            if here != pinned { found.append(HostDifference(subject: subject, here: text(here), pinned: text(pinned))) }
        }
        note("SBI version", sbi.specification, pinned.specification, version)
        note("SBI implementation", sbi.implementation, pinned.implementation, number)
        note("SBI implementation version", sbi.implementationVersion, pinned.implementationVersion, number)
        note("mvendorid", sbi.mvendorid, pinned.mvendorid, number)
        note("marchid", sbi.marchid, pinned.marchid, number)
        note("mimpid", sbi.mimpid, pinned.mimpid, number)
        note("SBI extensions", sbi.extensions, pinned.extensions, names)
        return found
    }

    private static func number(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    private static func version(_ value: UInt64) -> String { "\(value >> 24).\(value & 0xFF_FFFF)" }

    private static func names(_ extensions: [SBIExtensionNumber]) -> String {
        var text = ""
        for one in SBIProbe.extensions where extensions.contains(one.number) {
            if !text.isEmpty { text += "+" }
            text += one.name
        }
        return text.isEmpty ? "none" : text
    }

    /// `rvkvm host`: all that an engine dictates, line by line, whether or not the machine version has it otherwise.
    static func list(_ engine: any Engine) -> [String] {
        var lines: [String] = []
        func add(_ subject: String, _ value: String?) { if let value { lines.append("\(engine.name) dictates \(subject): \(value)") } }
        let host = engine.dictates
        guard host != HostDictates() else { return [] }
        add("timebase-frequency", host.timebase.map { String($0) })
        add("riscv,cbom-block-size", host.cbomBlockSize.map { String($0) })
        add("riscv,cboz-block-size", host.cbozBlockSize.map { String($0) })
        add("mmu-type", host.satpMode.map(mmuType))
        do throws(MachineError) {
            let sbi = try SBIProbe.ask(engine, GuestConfiguration())
            add("SBI version", version(sbi.specification))
            add("SBI implementation", number(sbi.implementation))
            add("SBI implementation version", number(sbi.implementationVersion))
            add("SBI extensions", names(sbi.extensions))
        } catch { add("SBI", "unknown: \(error.message)") }
        return lines
    }
}
