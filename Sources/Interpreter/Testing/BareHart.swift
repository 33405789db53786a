import CHost
import ExecutionEngine
import GuestMemory
import RISCV

/// Harts and RAM without a board around them: how tests reach what the engine boundary doesn't show.
///
/// Without SBI every hart is awake in M-mode, and an access outside RAM is an exit, so a store through x0 is a
/// way out of any program.
package final class BareMachine: @unchecked Sendable {
    package static let base: UInt64 = 0x8000_0000

    package let memory = GuestMemory()
    package let harts: [BareHart]
    private let cluster: Cluster

    /// - Parameter answersSBI: as the engine does it: harts in S-mode, all but the first stopped
    package init(
        harts count: Int = 1, extensions: Extensions = InterpreterEngine.extensions, ram: UInt64 = 8 << 20,
        answersSBI: Bool = false, imsic: IMSICSetup? = nil
    ) throws(EngineError) {
        do throws(GuestMemoryError) {
            try memory.addRAM(base: Self.base, size: ram)
        } catch {
            throw .host("no guest memory", errno: 12)
        }
        cluster = try Cluster(
            MachineSetup(memory: memory, cpuCount: count, extensions: extensions, timebase: 10_000_000, imsic: imsic),
            answersSBI: answersSBI)
        harts = cluster.harts.map { [cluster] in BareHart($0, cluster) }
        if answersSBI { return }
        // All of memory for S and U, where there is physical memory protection.
        for hart in harts where hart.setCSR(0x3B0, ~0) { _ = hart.setCSR(0x3A0, 0x1F) }
    }

    package var time: UInt64 { cluster.time }
    /// The machine as the boundary shows it.
    package var boundary: any VirtualMachine { cluster }
    /// The harts as the boundary shows them.
    package var cpus: [any VirtualCPU] { cluster.cpus }
}

/// One hart's registers, and a way to run it.
package final class BareHart: @unchecked Sendable {
    private let hart: Hart
    private let cpu: HartCPU

    init(_ hart: Hart, _ cluster: Cluster) {
        self.hart = hart
        cpu = HartCPU(hart, cluster)
    }

    package func reset() {
        hart.finish(.none)
        hart.reset()
    }

    package func x(_ number: Int) -> UInt64 { number == 0 ? 0 : hart.raw.x(number) }
    package func setX(_ number: Int, _ value: UInt64) { if number != 0 { hart.raw.setX(number, value) } }
    package func f(_ number: Int) -> UInt64 { hart.raw.f(number) }
    /// Leaves mstatus.FS as it is.
    package func setF(_ number: Int, _ value: UInt64) { hart.state.pointee.f[number] = value }

    package var pc: UInt64 {
        get { hart.state.pointee.pc }
        set {
            // An exit that waits for its answer would move on from the instruction it left.
            hart.finish(.none)
            hart.state.pointee.pendingLink = nil
            hart.state.pointee.pc = newValue
        }
    }

    package var mode: Privilege {
        get { hart.state.pointee.mode }
        set {
            hart.setVirtual(false)
            hart.state.pointee.mode = newValue
            hart.refreshRegime()
        }
    }

    /// V: with mode S it's VS-mode, with U VU-mode.
    package var virtual: Bool {
        get { hart.state.pointee.virtual }
        set {
            hart.setVirtual(newValue)
            hart.refreshRegime()
        }
    }

    package var retired: Int { hart.state.pointee.retired }

    /// The register as M-mode sees it, nil when it isn't there.
    package func csr(_ number: UInt16) -> UInt64? {
        guard let csr = CSR(rawValue: number) else { return nil }
        return hart.readCSR(csr)
    }

    /// Writes it as M-mode would. False when it isn't there.
    @discardableResult
    package func setCSR(_ number: UInt16, _ value: UInt64) -> Bool {
        guard let csr = CSR(rawValue: number) else { return false }
        return hart.writeCSR(csr, value)
    }

    /// Sets or clears bits of mip, from any thread, as devices and other harts do.
    package func setPending(_ bits: UInt64, _ level: Bool) {
        if level { hart.signals.raise(bits) } else { hart.signals.lower(bits) }
    }

    /// After code was changed from outside.
    package func fenceInstruction() { hart.fenceInstruction() }
    /// After page tables were changed from outside.
    package func fenceTranslations() {
        hart.emptyTranslations()
        hart.refreshRegime()
    }

    package func run(_ answer: ExitAnswer = .none) -> Exit { cpu.run(answer) }
    /// From any thread.
    package func kick() { cpu.kick() }
}
