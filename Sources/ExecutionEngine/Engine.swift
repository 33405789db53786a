import GuestMemory
import RISCV

/// Why an engine refuses. The text names the thing, the reason and the way out.
package enum EngineError: Error, Equatable {
    /// This host or engine doesn't have what was asked for.
    case unsupported(String)
    /// The guest can't have exactly `MachineSetup.extensions` here. Who knows how the user chose them makes a sentence
    /// of it.
    case extensions(ExtensionMismatch)
    /// A value that no state of the machine would allow (KVM's EINVAL).
    case invalid(String)
    /// The register or thing doesn't exist here (KVM's ENOENT).
    case missing(String)
    /// Right in itself, but too late or too early (KVM's EBUSY).
    case busy(String)
    /// The host refused: `errno` as it gave it.
    case host(String, errno: Int32)
}

/// How a guest's extensions would differ from the wanted ones. Names are in lower case, as `Extension` has them; some
/// may be unknown to it.
package struct ExtensionMismatch: Equatable, Sendable {
    /// Who refuses, as a sentence begins: "KVM here".
    package var engine: String
    /// What is wanted and can't be given.
    package var missing: [String]
    /// What isn't wanted and would be found by a guest that tries.
    package var unhideable: [String]

    package init(engine: String, missing: [String], unhideable: [String]) {
        self.engine = engine
        self.missing = missing
        self.unhideable = unhideable
    }
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
    /// Bytes of each vCPU's ring of written pages, a power of two from 4096 on and `Capability.dirtyRing` at most; nil:
    /// writes are found through `takeWrites`. A machine has the one or the other.
    package var dirtyRing: Int?
    package init(
        memory: GuestMemory, cpuCount: Int, extensions: Extensions, timebase: UInt64, mode: StartMode = .supervisor,
        imsic: IMSICSetup? = nil, dirtyRing: Int? = nil
    ) {
        self.memory = memory
        self.cpuCount = cpuCount
        self.extensions = extensions
        self.timebase = timebase
        self.mode = mode
        self.imsic = imsic
        self.dirtyRing = dirtyRing
    }
}

/// What a host dictates to the guests of an engine, for the device tree; nil where the machine decides.
package struct HostDictates: Equatable, Sendable {
    /// Frequency of `time`, in Hz.
    package var timebase: UInt64?
    /// Bytes of a cache block for Zicbom and Zicboz.
    package var cbomBlockSize: UInt64?
    package var cbozBlockSize: UInt64?
    /// The largest value of satp.MODE: 8 Sv39, 9 Sv48, 10 Sv57.
    package var satpMode: UInt64?

    package init() {}
}

/// Runs guest code: the interpreter, or the host kernel's KVM. Nothing above this line knows which.
package protocol Engine: AnyObject {
    /// The name `--engine` takes.
    var name: String { get }
    /// What its guests can't be given differently.
    var dictates: HostDictates { get }
    /// How much of `one` there is here; 0 for nothing.
    func capability(_ one: Capability) -> Int
    func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine
}

extension Engine {
    /// Most dictate nothing.
    package var dictates: HostDictates { HostDictates() }
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
    /// Moves the slot with this number of `MachineSetup.memory` to another address, or, without one, out of the
    /// guest's sight, while its contents stay; guest accesses to where it was are MMIO exits from then on
    /// (KVM_SET_USER_MEMORY_REGION). vCPUs may run meanwhile, and see the one state or the other; other users of
    /// the memory may not. Any thread that isn't a vCPU's may call it.
    ///
    /// `missing` for a number that no slot has, `invalid` for an address that isn't a multiple of 4 KiB, or where
    /// another slot lies.
    func moveSlot(_ slot: Int, to base: UInt64?) throws(EngineError)
    /// Starts or ends the log of vCPUs' writes to a slot (KVM_MEM_LOG_DIRTY_PAGES); on a machine with rings, what the
    /// vCPUs' rings tell of it. Starting it again is no error and changes nothing. Any thread that isn't a vCPU's may
    /// call it, while vCPUs run; so with the next.
    func logWrites(slot: Int, _ isOn: Bool) throws(EngineError)
    /// The pages that vCPUs wrote since logging started or since the last call: bit p % 64 of word p / 64 for page p
    /// of 4 KiB from the slot's start. They count as clean from now on (KVM_GET_DIRTY_LOG). On return every write
    /// to a page that is named can be seen; a later one is in the next answer. What others than vCPUs write isn't
    /// logged.
    ///
    /// `missing` for a number that no slot has, and while the slot's writes aren't logged; otherwise `unsupported` on a
    /// machine with rings, which have it all. KVM keeps no log beside them: KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, which
    /// RISC-V doesn't have, is for what the kernel writes while no vCPU runs.
    func takeWrites(slot: Int) throws(EngineError) -> [UInt64]
    /// Delivers an MSI: the store of `data` to the 32-bit register at `address` of an interrupt file
    /// (KVM_SIGNAL_MSI). Any thread may call it. False when no interrupt file is there.
    @discardableResult
    func sendMSI(address: UInt64, data: UInt32) -> Bool
    /// Has each signal of `eventfd` deliver the MSI (KVM_IRQFD with a route of type MSI), without the caller's
    /// doing. The descriptor stays open until the doorbell is removed or the machine is gone. Any thread may call it.
    ///
    /// `unsupported` for a machine without interrupt files, `busy` for a descriptor that has one already, `invalid`
    /// for an address without a file.
    func addInterruptDoorbell(eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError)
    /// Takes it back: signals after that stay in the descriptor. `missing` when there is none.
    func removeInterruptDoorbell(eventfd: Int32) throws(EngineError)
    /// A register of hart `hart`'s supervisor-level interrupt file by its siselect number: 0x70 eidelivery, 0x72
    /// eithreshold, 0x80 to 0xBF eip, 0xC0 to 0xFF eie, even ones (AIA 1.0, "Indirectly accessed interrupt file
    /// registers"; KVM_DEV_RISCV_AIA_GRP_IMSIC). To be called while no vCPU runs. `missing` for a hart or a number
    /// that isn't there, `unsupported` without interrupt files.
    func interruptFile(hart: Int, _ select: UInt64) throws(EngineError) -> UInt64
    /// Writes such a register.
    func setInterruptFile(hart: Int, _ select: UInt64, to value: UInt64) throws(EngineError)
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
    /// Reads a register of up to 8 bytes by Linux's ONE_REG id (KVM_GET_ONE_REG).
    ///
    /// `missing` for an id that this vCPU doesn't have, `invalid` for one of more than 8 bytes or of another size
    /// than the register's.
    func register(_ id: RegisterID) throws(EngineError) -> UInt64
    /// Writes a register of up to 8 bytes by Linux's ONE_REG id (KVM_SET_ONE_REG).
    ///
    /// Errors as above; `invalid` for a value the register can't have; `busy` for what describes the processor
    /// (CONFIG's, ISA_EXT, SBI_EXT) after the first run.
    func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError)
    /// The same for registers of any size, little-endian: V's need it.
    func bytes(of id: RegisterID) throws(EngineError) -> [UInt8]
    func setBytes(of id: RegisterID, to bytes: [UInt8]) throws(EngineError)
    /// The ids of all registers there are now (KVM_GET_REG_LIST). What is read from them and written to another
    /// vCPU of the same model, in this order, makes that one go on as this one would.
    func registers() throws(EngineError) -> [RegisterID]
    /// Whether it runs (KVM_GET_MP_STATE).
    func powerState() throws(EngineError) -> PowerState
    /// Starts or stops it, without SBI's knowing (KVM_SET_MP_STATE).
    func setPowerState(_ state: PowerState) throws(EngineError)
    /// While on, an `ebreak` of the guest's ends the run with `Exit.debug` and has no effect otherwise; the next run
    /// meets it again unless pc was moved or debugging ended (KVM_SET_GUEST_DEBUG with KVM_GUESTDBG_ENABLE).
    func setDebugging(_ isOn: Bool) throws(EngineError)
    /// Empties the vCPU's ring of pages written to slots that `logWrites` names, which `MachineSetup.dirtyRing` asked
    /// for, oldest first; the pages count as clean from then on (KVM_RESET_DIRTY_RINGS). A full ring ends a run with
    /// `Exit.dirtyRingFull`, before anything is lost. `unsupported` without a ring.
    func takeDirtyPages() throws(EngineError) -> [DirtyPage]
}
