import ExecutionEngine

/// What a stopped vCPU goes on from on another one of the same model: its registers, and what isn't a register.
///
/// An LR's reservation isn't in it: the SC fails, as it may.
struct HartState {
    /// In the order in which they are to be written.
    var registers: [(id: RegisterID, bytes: [UInt8])] = []
    /// When its timer interrupts; all ones for never.
    var timer: UInt64 = ~0
    var power: PowerState
    /// The supervisor-level interrupt file, by siselect number; empty without one.
    var interruptFile: [(select: UInt64, value: UInt64)] = []

    /// Reads a vCPU that doesn't run and has no exit left to answer.
    init(of cpu: any VirtualCPU, _ machine: any VirtualMachine, files: IMSICSetup?) throws(MachineError) {
        do throws(EngineError) { power = try cpu.powerState() } catch { throw Self.refused(cpu, "its power state", error) }
        let all: [RegisterID]
        do throws(EngineError) { all = try cpu.registers() } catch { throw Self.refused(cpu, "the list of its registers", error) }
        let hasDoubles = all.contains { $0.group == .double }
        for id in all where Self.travels(id, hasDoubles: hasDoubles) {
            do throws(EngineError) {
                if id == .timerCompare { timer = try cpu.register(id) } else { registers.append((id, try cpu.bytes(of: id))) }
            } catch { throw Self.refused(cpu, id.text, error) }
        }
        guard let files else { return }
        for select in Self.selects(files) {
            do throws(EngineError) {
                interruptFile.append((select, try machine.interruptFile(hart: cpu.id, select)))
            } catch { throw Self.refused(cpu, "its interrupt file", error) }
        }
    }

    /// Writes it to a vCPU that hasn't run yet.
    func load(into cpu: any VirtualCPU, _ machine: any VirtualMachine) throws(MachineError) {
        for (id, bytes) in registers { try Self.write(id, bytes, to: cpu) }
        do throws(EngineError) {
            try cpu.setRegister(.timerCompare, to: timer)
            // Where the timer isn't the hart's own it has to be wound up as well. Some kernels then let it ring at
            // once, to which a guest answers with its next time.
            if timer != ~0, try cpu.register(.timerState) == 0 { try cpu.setRegister(.timerState, to: 1) }
        } catch { throw Self.refused(cpu, "its timer", error) }
        // After sip, which would forget what a file has just asked for.
        for (select, value) in interruptFile {
            do throws(EngineError) {
                try machine.setInterruptFile(hart: cpu.id, select, to: value)
            } catch { throw Self.refused(cpu, "its interrupt file", error) }
        }
        do throws(EngineError) { try cpu.setPowerState(power) } catch { throw Self.refused(cpu, "its power state", error) }
    }

    /// eidelivery, eithreshold, and the eip and eie registers that the identities fill.
    private static func selects(_ files: IMSICSetup) -> [UInt64] {
        var all: [UInt64] = [0x70, 0x72]
        for word in 0..<UInt64(files.identities / 64 + 1) { all += [0x80 + 2 * word, 0xC0 + 2 * word] }
        return all
    }

    /// Whether a register is state. Others say what the harts are, which the new machine was made to be too, or belong
    /// to the machine as a whole.
    private static func travels(_ id: RegisterID, hasDoubles: Bool) -> Bool {
        switch id.group {
        case .isaExtension: false
        // The identity is the guest's. What else there is the engines were compared by before the guest started.
        case .config: id == .mvendorid || id == .marchid || id == .mimpid
        // `time` is the machine's. Whether the timer counts follows from its compare register.
        case .timer: id == .timerCompare
        // The low halves of the same registers.
        case .float: !hasDoubles
        default: true
        }
    }

    /// SEIP and STIP: what raises them comes along and raises them again.
    private static let derived: UInt64 = 1 << 9 | 1 << 5

    private static func write(_ id: RegisterID, _ bytes: [UInt8], to cpu: any VirtualCPU) throws(MachineError) {
        var bytes = bytes
        if id == .csr(7) { bytes = Self.bytes(Self.number(bytes) & ~derived) }
        let back: [UInt8]
        do throws(EngineError) {
            try cpu.setBytes(of: id, to: bytes)
            back = try cpu.bytes(of: id)
        } catch {
            // A register that isn't there is as good as one that is 0.
            if case .missing = error, bytes.allSatisfy({ $0 == 0 }) { return }
            throw refused(cpu, id.text, error)
        }
        // The guest would notice a bit that doesn't stay.
        guard back == bytes || id == .csr(7) else {
            throw MachineError(
                .host, "hart \(cpu.id)'s \(id.text) is \(hex(number(bytes))) and becomes \(hex(number(back))) there")
        }
    }

    private static func number(_ bytes: [UInt8]) -> UInt64 {
        var value: UInt64 = 0
        for byte in bytes.prefix(8).reversed() { value = value << 8 | UInt64(byte) }
        return value
    }

    private static func bytes(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) } }

    private static func refused(_ cpu: any VirtualCPU, _ what: String, _ error: EngineError) -> MachineError {
        let reason = MachineError(error)
        return MachineError(reason.kind, "hart \(cpu.id): \(what): \(reason.message)")
    }
}

extension RegisterID {
    /// How messages name it.
    var text: String {
        switch group {
        case .core: "register \(index == 0 ? "pc" : index == 32 ? "mode" : "x\(index)")"
        case .csr where subtype == 0: Self.csrNames.indices.contains(Int(index)) ? Self.csrNames[Int(index)] : "register \(hex(rawValue))"
        case .double: index == 32 ? "fcsr" : "register f\(index)"
        default: "register \(hex(rawValue))"
        }
    }

    private static let csrNames = [
        "sstatus", "sie", "stvec", "sscratch", "sepc", "scause", "stval", "sip", "satp", "scounteren", "senvcfg",
    ]
}
