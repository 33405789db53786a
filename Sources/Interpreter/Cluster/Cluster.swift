import CHost
import ExecutionEngine
import GuestMemory
import RISCV
import Synchronization

/// The harts of one virtual machine, and what they share: time, timers, and each other's attention.
final class Cluster: VirtualMachine, @unchecked Sendable {
    let memory: GuestMemory
    let timebase: UInt64
    /// The engine is the SBI implementation: the guest starts in S-mode and its ecalls end here.
    let answersSBI: Bool
    let timers: TimerThread
    private(set) var harts: [Hart] = []
    /// Made on demand: each keeps the cluster alive, whose harts don't.
    var cpus: [any VirtualCPU] { harts.map { HartCPU($0, self) } }
    /// CLOCK_MONOTONIC when the machine was made.
    let epoch: UInt64
    /// `time` at that moment: 0 until somebody sets `mtime`.
    let timeOffset = Atomic<UInt64>(0)
    /// By hart: mtimecmp.
    let machineTimers: MachineTimers
    /// Stores that ring instead of leaving for user space.
    var doorbells = Doorbells()
    /// Closed while what lies behind guest addresses changes.
    let gate = Gate()
    /// eventfds that deliver MSIs; nil without interrupt files.
    private(set) var interruptDoorbells: InterruptDoorbells?
    /// Where the harts' interrupt files lie; nil without any.
    private(set) var interruptPages: InterruptPages?

    init(_ setup: MachineSetup, answersSBI: Bool) throws(EngineError) {
        try InterruptPages.check(setup, hasMachineMode: !answersSBI)
        memory = setup.memory
        timebase = setup.timebase
        self.answersSBI = answersSBI
        epoch = host_clock_monotonic_ns()
        machineTimers = MachineTimers(count: setup.cpuCount)
        // Entries of S-mode's timers by hart, then those of M-mode's, VS-mode's and the counters'.
        guard let timers = TimerThread(count: 4 * setup.cpuCount) else {
            throw .host("the timer thread can't start", errno: 0)
        }
        self.timers = timers
        let arena = min(max((12 << 20) / max(setup.cpuCount, 1), 256 << 10), 12 << 20) & ~4095
        for id in 0..<setup.cpuCount {
            guard let hart = Hart(id: id, memory: setup.memory, extensions: setup.extensions, cluster: self, arena: arena, imsic: setup.imsic)
            else { throw .host("no memory for hart \(id)", errno: 12) }
            harts.append(hart)
            if id > 0, answersSBI { hart.power.stop() }
        }
        if let imsic = setup.imsic {
            let pages = InterruptPages(imsic, harts: harts)
            interruptPages = pages
            interruptDoorbells = InterruptDoorbells(pages)
        }
        timers.start { [harts] entry in
            if entry >= 0, entry < harts.count {
                harts[entry].signals.raise(InterruptSet.supervisorTimer)
            } else if entry >= harts.count, entry < 2 * harts.count {
                harts[entry - harts.count].signals.raise(InterruptSet.machineTimer)
            } else if entry >= 2 * harts.count, entry < 3 * harts.count {
                harts[entry - 2 * harts.count].signals.setVirtualTimer(true)
            } else if entry >= 3 * harts.count, entry < 4 * harts.count {
                harts[entry - 3 * harts.count].signals.request(HartSignals.Request.counters)
            }
        }
    }

    deinit {
        interruptDoorbells?.finish()
        timers.finish()
    }

    /// The entry of a hart's vstimecmp among the timers.
    func virtualTimer(of hart: Int) -> Int { 2 * harts.count + hart }
    /// The entry for a look at a hart's counters.
    func counterTimer(of hart: Int) -> Int { 3 * harts.count + hart }

    var inspector: (any Inspector)? { self }

    /// Guest time: ticks of `timebase` since the machine was made, unless somebody set it.
    package var time: UInt64 { ticks &+ timeOffset.load(ordering: .relaxed) }

    /// Ticks since the machine was made.
    var ticks: UInt64 {
        let ns = host_clock_monotonic_ns() &- epoch
        // 10 MHz, the usual case, is a division by a constant.
        if timebase == 10_000_000 { return ns / 100 }
        let product = ns.multipliedFullWidth(by: timebase)
        guard product.high < 1_000_000_000 else { return ~0 }
        return (1_000_000_000 as UInt64).dividingFullWidth(product).quotient
    }

    /// The host's CLOCK_MONOTONIC at which `time` reaches `ticks`; all ones when that is out of reach.
    func deadline(_ ticks: UInt64) -> UInt64 {
        // A clock that was set forward or back reaches it sooner or later.
        let start = timeOffset.load(ordering: .relaxed)
        guard ticks >= start else { return start &- ticks < 1 << 63 ? 0 : ~0 }
        let ticks = ticks &- start
        let product = ticks.multipliedFullWidth(by: 1_000_000_000)
        guard timebase > 0, product.high < timebase else { return ~0 }
        let (sum, over) = timebase.dividingFullWidth(product).quotient.addingReportingOverflow(epoch &+ 1)
        return over ? ~0 : sum
    }
}

/// Bits of mip and mie.
enum InterruptSet {
    static let supervisorSoftware: UInt64 = 1 << 1
    static let virtualSupervisorSoftware: UInt64 = 1 << 2
    static let machineSoftware: UInt64 = 1 << 3
    static let supervisorTimer: UInt64 = 1 << 5
    static let virtualSupervisorTimer: UInt64 = 1 << 6
    static let machineTimer: UInt64 = 1 << 7
    static let supervisorExternal: UInt64 = 1 << 9
    static let virtualSupervisorExternal: UInt64 = 1 << 10
    static let machineExternal: UInt64 = 1 << 11
    /// Local counter overflow (Sscofpmf).
    static let counterOverflow: UInt64 = 1 << 13
    static let supervisor: UInt64 = supervisorSoftware | supervisorTimer | supervisorExternal
    static let virtualSupervisor: UInt64 =
        virtualSupervisorSoftware | virtualSupervisorTimer | virtualSupervisorExternal
    static let machine: UInt64 = machineSoftware | machineTimer | machineExternal
}

extension Cluster: Inspector {
    func trace(to sink: any TraceSink, traps: Bool, instructions: Bool) {
        for hart in harts { hart.trace = HartTrace(sink: sink, traps: traps, instructions: instructions) }
    }
}
