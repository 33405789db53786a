import GuestMemory
import RISCV

/// Why an engine refuses. The text names the thing, the reason and the way out.
package enum EngineError: Error, Equatable {
    /// This host or engine doesn't have what was asked for.
    case unsupported(String)
    /// A value that no state of the machine would allow (KVM's EINVAL).
    case invalid(String)
    /// The register or thing doesn't exist here (KVM's ENOENT).
    case missing(String)
    /// Right in itself, but too late or too early (KVM's EBUSY).
    case busy(String)
    /// The host refused: `errno` as it gave it.
    case host(String, errno: Int32)
}

/// Who stands below the guest's supervisor.
package enum StartMode: Sendable {
    /// The engine is the SBI implementation: hart 0 starts in S-mode.
    case supervisor
    /// The guest brings its M-mode software along: every hart starts in M-mode.
    case firmware
}

/// What a virtual machine is made from. Fixed once the first vCPU exists.
package struct MachineSetup {
    package var memory: GuestMemory
    package var cpuCount: Int
    /// The extensions the guest sees; each implemented by the engine or refused.
    package var extensions: Extensions
    /// Frequency of `time`, in Hz.
    package var timebase: UInt64
    package var mode: StartMode
    /// Interrupt files of the engine's own; nil: MSIs have nowhere to go.
    package var imsic: IMSICSetup?
    package init(
        memory: GuestMemory, cpuCount: Int, extensions: Extensions, timebase: UInt64, mode: StartMode = .supervisor,
        imsic: IMSICSetup? = nil
    ) {
        self.memory = memory
        self.cpuCount = cpuCount
        self.extensions = extensions
        self.timebase = timebase
        self.mode = mode
        self.imsic = imsic
    }
}

/// Runs guest code: the interpreter, or the host kernel's KVM. Nothing above this line knows which.
package protocol Engine: AnyObject {
    /// The name `--engine` takes.
    var name: String { get }
    func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine
}

/// A guest's processors and what they share.
package protocol VirtualMachine: AnyObject {
    /// The vCPUs, by hart id. Hart 0 is runnable after creation; the others are too in firmware mode, and
    /// otherwise STOPPED until SBI HSM starts them.
    var cpus: [any VirtualCPU] { get }
    /// Nil when this engine can't show what its harts do.
    var inspector: (any Inspector)? { get }
    /// The wires that M-mode software looks at; nil unless the machine was made for firmware.
    var machineLevel: (any MachineLevel)? { get }
    /// Has every store of a vCPU to the 8 bytes at `address` reported as `Exit.watchedStore`. To be called
    /// before the first run. Refused by an engine whose guests store to RAM unseen.
    func watchStores(to address: UInt64) throws(EngineError)
    /// Has a vCPU's store of exactly `width` bytes (1, 2, 4, 8) to `address` signal `eventfd` and be done,
    /// instead of becoming an exit (KVM_IOEVENTFD). With a `value`, only a store of that value does. The caller
    /// keeps the descriptor open until the doorbell is removed or the machine is gone.
    ///
    /// To be called while no vCPU runs. `busy` when there is such a doorbell already; `unsupported` from an
    /// engine without doorbells, whose stores then arrive as exits.
    func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError)
    /// Takes back what `addDoorbell` was given. To be called while no vCPU runs; `missing` when it isn't there.
    func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError)
    /// Delivers an MSI: the store of `data` to the 32-bit register at `address` of an interrupt file
    /// (KVM_SIGNAL_MSI). Any thread may call it. False when no interrupt file is there.
    @discardableResult
    func sendMSI(address: UInt64, data: UInt32) -> Bool
}

/// What a machine with M-mode has beyond `VirtualCPU`: the ends of the wires from the CLINT and from the
/// PLIC's M-mode contexts, and the clock behind `mtime`. Any thread may call all of it; a hart that doesn't
/// exist is ignored.
package protocol MachineLevel: AnyObject, Sendable {
    /// The counter that `time` and `mtime` show (privileged specification, "Machine Timer Registers").
    var time: UInt64 { get }
    /// Sets that counter: `time` goes on from here on all harts.
    func setTime(_ ticks: UInt64)
    /// mtimecmp: MTIP is high while `time` isn't below it. All ones at the start.
    func setTimer(hart: Int, to ticks: UInt64)
    /// MSIP or MEIP.
    func setInterrupt(_ line: MachineInterrupt, hart: Int, _ level: Bool)
}

/// The interrupts that reach a hart's M-mode by wire, the timer's aside.
package enum MachineInterrupt: Sendable {
    case software, external
}

/// One hart.
///
/// Everything but `kick` and `setExternalInterrupt` belongs to the thread that calls `run`, or to anyone
/// while no thread runs the vCPU.
package protocol VirtualCPU: AnyObject {
    var id: Int { get }
    /// Tells the vCPU the answer to its last exit and runs guest code until the next one. A STOPPED or
    /// waiting hart sleeps in here.
    func run(_ answer: ExitAnswer) -> Exit
    /// Makes a running `run` return `.interrupted`, or the next one if none is running: kicks are sticky.
    /// Any thread may call it.
    func kick()
    /// Level of the supervisor external interrupt that a user-space PLIC drives (KVM_INTERRUPT). Any
    /// thread may call it.
    func setExternalInterrupt(_ level: Bool)
    /// Reads a register by Linux's ONE_REG id.
    func register(_ id: RegisterID) throws(EngineError) -> UInt64
    /// Writes a register by Linux's ONE_REG id.
    func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError)
}
