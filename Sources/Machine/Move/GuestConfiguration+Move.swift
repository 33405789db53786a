import ExecutionEngine
import GuestMemory
import RISCV

extension GuestConfiguration {
    /// The engine that `--x-move-to` names, for a guest whose registers tell everything about its harts.
    func moveTarget(_ setting: Setting) throws(MachineError) -> EngineChoice {
        let engine = try EngineChoice(setting)
        guard engine != .auto else { throw setting.refused("the engines to move to are interpreter and kvm") }
        guard startMode == .supervisor else {
            throw setting.refused("a guest that starts in M-mode can't move, as no register tells of that mode; leave --firmware away")
        }
        guard !extensions.contains(.h) else {
            throw setting.refused("a guest with the hypervisor extension can't move, as no register tells of it; choose --cpu rv64gc")
        }
        return engine
    }

    /// Has the guest see what both engines show it, on whichever it starts. An error says where they contradict each
    /// other, or what the second can't give this guest.
    @export(interface) package mutating func suit(_ first: any Engine, _ second: any Engine) throws(MachineError) {
        dictates = try agreement(first, second)
        let ours = try calls(of: first), others = try calls(of: second)
        withheldCalls = SBIExtensionNumber.allCases.filter { ours.contains($0) != others.contains($0) }
    }

    private func agreement(_ first: any Engine, _ second: any Engine) throws(MachineError) -> HostDictates {
        func same(_ what: String, _ one: UInt64?, _ other: UInt64?, _ ours: UInt64) throws(MachineError) -> UInt64? {
            // Whoever dictates nothing has what the machine has.
            let a = one ?? ours, b = other ?? ours
            guard a != b else { return one ?? other }
            throw MachineError(
                .usage,
                "--x-move-to: \(what) is \(a) on the engine \(first.name) and \(b) on the engine \(second.name), and mustn't change under a guest")
        }
        let one = first.dictates, other = second.dictates
        var both = HostDictates()
        // Any frequency will do where none is dictated.
        both.timebase = try same("the frequency of time", one.timebase, other.timebase, one.timebase ?? other.timebase ?? 0)
        both.satpMode = try same("the largest satp mode", one.satpMode, other.satpMode, MachineVersion.satpMode)
        if extensions.contains(.zicbom) {
            both.cbomBlockSize = try same("Zicbom's block size", one.cbomBlockSize, other.cbomBlockSize, MachineVersion.blockSize)
        }
        if extensions.contains(.zicboz) {
            both.cbozBlockSize = try same("Zicboz's block size", one.cbozBlockSize, other.cbozBlockSize, MachineVersion.blockSize)
        }
        return both
    }

    /// The SBI calls that a guest of this kind has on an engine: a machine that never runs tells.
    private func calls(of engine: any Engine) throws(MachineError) -> [SBIExtensionNumber] {
        var configuration = self
        configuration.withheldCalls = []
        let memory = GuestMemory()
        do throws(GuestMemoryError) {
            try memory.addRAM(base: MemoryMap.ramBase, size: Self.minimumMemory)
        } catch { throw MachineError(.host, "the host refuses \(Self.minimumMemory >> 20) MiB of guest memory") }
        let machine: any VirtualMachine
        do throws(MachineError) {
            machine = try Board.makeMachine(configuration, memory, engine)
        } catch { throw MachineError(error.kind, "--x-move-to: the engine \(engine.name) can't have this guest: \(error.message)") }
        guard let cpu = machine.cpus.first else { return [] }
        return SBIExtensionNumber.allCases.filter { (try? cpu.register(.sbiExtension($0))) == 1 }
    }
}
