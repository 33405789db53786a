import CHost
import Devices
import ExecutionEngine

/// One hart's thread: runs the vCPU and answers its exits until the machine stops.
final class VCPUThread: @unchecked Sendable {
    private let cpu: any VirtualCPU
    private let board: Board
    private let control: any VCPUControl
    private let trace: ExitTrace?
    private var thread: OpaquePointer?
    /// Whether the vCPU ran when it came to rest for a move; for whoever has joined the thread.
    private(set) var powerAtRest: PowerState?

    init(_ cpu: any VirtualCPU, _ board: Board, control: any VCPUControl, trace: ExitTrace?) {
        self.cpu = cpu
        self.board = board
        self.control = control
        self.trace = trace
    }

    func start(name: String) throws(MachineError) {
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<VCPUThread>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), name, &error)
        if thread == nil {
            reference.release()
            throw MachineError(
                .host, "the host refuses a thread for hart \(cpu.id): \(MachineError.hostText(error)); give fewer with --smp")
        }
    }

    /// Whether another hart has started this one since: an engine may keep that to itself until the vCPU runs again.
    /// To be asked once no vCPU runs.
    var wasStarted: Bool { powerAtRest == .stopped && (try? cpu.powerState()) == .runnable }

    func join() {
        guard let thread else { return }
        self.thread = nil
        host_thread_join(thread)
    }

    private func loop() {
        control.willRun(cpu, board)
        var answer = ExitAnswer.none
        while !control.isStopping { answer = take(cpu.run(answer)) }
        complete(answer)
        control.hasStopped(hart: cpu.id)
    }

    /// Answers an exit.
    private func take(_ exit: Exit) -> ExitAnswer {
        trace?.note(cpu, exit)
        switch exit {
        case .mmioRead(let address, let width): return board.read(address, width: width)
        case .mmioWrite(let address, let width, let value): return board.write(address, width: width, value: value)
        case .sbi(let call): return board.sbi.answer(call)
        case .systemEvent(let event): control.systemEvent(event)
        case .watchedStore: board.htif?.stored()
        case .csr(let access): return .csr(GuestCSR.read(access))
        // Nobody asked for a ring: whoever does empties it.
        case .dirtyRingFull: control.failed(hart: cpu.id, "its ring of written pages is full and nobody empties it")
        // A kick: the loop's condition says whether it meant us.
        case .interrupted: break
        // Nobody debugs yet, so nobody asked for it.
        case .debug(let pc): control.failed(hart: cpu.id, "it stopped for a debugger at \(hex(pc)) and there is none")
        case .entryRefused(let reason): control.failed(hart: cpu.id, "the host's hardware refuses to enter the guest, reason \(hex(reason))")
        case .internalError(let reason): control.failed(hart: cpu.id, reason.text)
        }
        return .none
    }

    /// Has the vCPU take the answer to its last exit and come to rest before its next instruction, so that its
    /// registers tell everything. A kick that waits ends a run after just that.
    private func complete(_ answer: ExitAnswer) {
        var answer = answer
        while control.isMoving {
            cpu.kick()
            let exit = cpu.run(answer)
            answer = take(exit)
            guard exit == .interrupted else { continue }
            powerAtRest = try? cpu.powerState()
            return
        }
    }
}

/// What a vCPU's thread may tell the machine. Called on that thread.
protocol VCPUControl: AnyObject, Sendable {
    /// True once the thread shall end.
    var isStopping: Bool { get }
    /// True while the guest is to go on from the vCPUs' registers.
    var isMoving: Bool { get }
    /// The vCPU is about to run, for the first time or again.
    func willRun(_ cpu: any VirtualCPU, _ board: Board)
    /// The thread is about to end: its vCPU runs no more.
    func hasStopped(hart: Int)
    func systemEvent(_ event: SystemEvent)
    func failed(hart: Int, _ reason: String)
}
