import CHost
import ExecutionEngine
import GuestMemory
import RISCV

/// One hart: its state in plain memory, its blocks and its translations. Used by one thread at a time; what
/// other threads may touch is in `HartSignals`.
final class Hart {
    let id: Int
    let state: UnsafeMutablePointer<HartState>
    let memory: GuestMemory
    /// What the hart has, and what of it misa has on.
    var implemented: Extensions
    var extensions: Extensions
    var identity = ProcessorIdentity()
    /// `run` has been called: the processor is what it is.
    var hasRun = false
    /// The hart's virtual machine, which outlives it.
    let unmanagedCluster: Unmanaged<Cluster>
    var cluster: Cluster { unmanagedCluster.takeUnretainedValue() }
    let signals: HartSignals
    let power = HartPower()
    /// The Advanced Interrupt Architecture: Smaia or Ssaia.
    let hasAIA: Bool
    var aia = InterruptArchitecture()
    /// The hart's IMSIC, if there is one.
    let files: InterruptFiles?

    var blocks: BlockCache
    /// Counts FENCE.I.
    var generation: UInt32 = 1
    var spaces: AddressSpaces
    var hostMarks = TranslationMarks()
    var guestMarks = TranslationMarks()
    var guestStage: GuestStageCache
    /// Details of the last `Fault.guestPage`.
    var guestFault = GuestFault()

    var trace: HartTrace?
    /// `ebreak` ends the run.
    var isDebugging = false
    var pmp = PMP()
    var events = EventCounters()
    // What the SBI implementation keeps for the hart.
    var performance = PerformanceCounters()
    let firmwareTotals = FirmwareTotals()
    var firmwareFeatures = FirmwareFeatures()
    var sbiExtensions = SBIExtensionSet()
    var stealTime = StealTime()
    /// Stores to these 8 bytes each are reported to user space. Set before the first run.
    var watched: [UInt64] = []

    // RAM's first slot, for the common case; see `noteMemory`.
    private var ramBase: UInt64 = 0
    /// Bytes, 0 while it is out of sight; the same for stores is 0 where it is read-only as well.
    private var ramSize: UInt64 = 0
    private var ramWritable: UInt64 = 0
    private var ramHost: UnsafeMutableRawPointer
    private var ramLog: WriteLog?

    /// What the CSR instruction at work writes: for csrrs and csrrc the bits of its operand.
    var explicitBits: UInt64 = ~0
    /// WFI found nothing pending: `run` ends so that the thread can sleep.
    var wantsToWait = false
    /// SBI HSM stops this hart: `run` ends and the thread waits for a start.
    var isStopping = false
    /// What `run` reports when `Stop.exit` ends the blocks.
    var exit: Exit = .interrupted
    /// What the answer to that exit completes.
    var unfinished: Unfinished = .nothing

    /// The part of an instruction that waits for user space's answer. pc stays at the instruction until then, and moves
    /// on by its `length` from wherever user space has put it meanwhile, as KVM's does.
    enum Unfinished {
        case nothing
        /// A load from the virtual `address` into x or f register `rd`.
        case load(kind: LoadKind, rd: Int, address: UInt64, length: UInt64)
        case store(address: UInt64, length: UInt64)
        /// A CSR whose value goes to x register `rd`.
        case csr(rd: Int, length: UInt64)
        /// An SBI call; a legacy one has no a1.
        case sbi(legacy: Bool)
    }

    /// Nil when the host refuses memory.
    init?(
        id: Int, memory: GuestMemory, extensions: Extensions, cluster: Cluster, arena: Int, imsic: IMSICSetup? = nil
    ) {
        var error: Int32 = 0
        guard let slot = memory.slots.first,
            let raw = host_memory_reserve(Self.stateSize, 4096, &error),
            let cache = host_memory_reserve(JumpCacheLayout.size, 4096, &error),
            let blocks = BlockCache(capacity: arena),
            let spaces = AddressSpaces(),
            let guestStage = GuestStageCache()
        else { return nil }
        self.id = id
        self.memory = memory
        implemented = extensions
        self.extensions = extensions
        unmanagedCluster = Unmanaged.passUnretained(cluster)
        self.blocks = blocks
        self.spaces = spaces
        self.guestStage = guestStage
        ramHost = slot.host
        state = raw.bindMemory(to: HartState.self, capacity: 1)
        signals = HartSignals(state: raw)
        hasAIA = extensions.contains(.smaia) || extensions.contains(.ssaia)
        files = imsic.map { [signals] in InterruptFiles($0, signals: signals) }
        state.pointee.jumpCache = cache
        state.pointee.owner = Unmanaged.passUnretained(self)
        noteMemory()
        reset()
    }

    private static let stateSize = (MemoryLayout<HartState>.size + 4095) & ~4095

    deinit {
        host_memory_release(UnsafeMutableRawPointer(state.pointee.jumpCache), JumpCacheLayout.size)
        host_memory_release(UnsafeMutableRawPointer(state), Self.stateSize)
        blocks.release()
        spaces.release()
        guestStage.release()
        firmwareTotals.release()
    }

    /// What a block ran on, as the raw pointer that handlers take.
    var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(state) }

    /// Host address of `count` bytes of RAM at a physical address; nil when they aren't all in one slot.
    @inline(__always)
    func ram(_ address: UInt64, _ count: UInt64) -> UnsafeMutableRawPointer? {
        let offset = address &- ramBase
        if offset < ramSize, count <= ramSize &- offset { return ramHost + Int(truncatingIfNeeded: offset) }
        return memory.pointer(address, count: count)
    }

    /// The same for what is written before the hart looks at its fences again: nil as well where the slot is read-only,
    /// whose stores are user space's, as KVM has it. Where writes are logged, this one is.
    @inline(__always)
    func writableRAM(_ address: UInt64, _ count: UInt64) -> UnsafeMutableRawPointer? {
        let offset = address &- ramBase
        if offset < ramWritable, count <= ramWritable &- offset {
            if let ramLog { ramLog.note(offset, count) }
            return ramHost + Int(truncatingIfNeeded: offset)
        }
        return memory.notedPointer(address, count: count)
    }

    /// After a change of the memory's slots, which is made while no hart runs guest code.
    func noteMemory() {
        guard let slot = memory.slots.first else { return }
        ramBase = slot.base
        ramSize = slot.isInSight ? slot.size : 0
        ramWritable = slot.readOnly ? 0 : ramSize
        ramLog = slot.log
    }
}

extension UnsafeMutableRawPointer {
    /// Lends the hart's object, which outlives its state, so that nobody has to count a reference. Slow paths only.
    @inline(__always)
    func withHart<Result>(_ body: (Hart) -> Result) -> Result { hart.pointee.owner._withUnsafeGuaranteedRef(body) }
}
