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

    func join() {
        guard let thread else { return }
        self.thread = nil
        host_thread_join(thread)
    }

    private func loop() {
        var answer = ExitAnswer.none
        while !control.isStopping {
            let exit = cpu.run(answer)
            trace?.note(cpu, exit)
            answer = .none
            switch exit {
            case .mmioRead(let address, let width): answer = board.read(address, width: width)
            case .mmioWrite(let address, let width, let value): answer = board.write(address, width: width, value: value)
            case .sbi(let call): answer = board.sbi.answer(call)
            case .systemEvent(let event): control.systemEvent(event)
            case .watchedStore: board.htif?.stored()
            case .csr(let access): answer = .csr(GuestCSR.read(access))
            // Nobody asked for a ring: whoever does empties it.
            case .dirtyRingFull: control.failed(hart: cpu.id, "its ring of written pages is full and nobody empties it")
            // A kick: the loop's condition says whether it meant us.
            case .interrupted: break
            // Nobody debugs yet, so nobody asked for it.
            case .debug(let pc): control.failed(hart: cpu.id, "it stopped for a debugger at \(hex(pc)) and there is none")
            case .entryRefused(let reason): control.failed(hart: cpu.id, "the host's hardware refuses to enter the guest, reason \(hex(reason))")
            case .internalError(let reason): control.failed(hart: cpu.id, reason.text)
            }
        }
    }
}

/// What a vCPU's thread may tell the machine. Called on that thread.
protocol VCPUControl: AnyObject, Sendable {
    /// True once the thread shall end.
    var isStopping: Bool { get }
    func systemEvent(_ event: SystemEvent)
    func failed(hart: Int, _ reason: String)
}
