import Devices
import ExecutionEngine
import Foundation
import GuestMemory
import Machine
import Synchronization

/// Keeps what was written, and what it was told about patience.
final class Recorder: ConsoleOutput {
    private let bytes = Mutex<[UInt8]>([])

    func write(_ new: UnsafeRawBufferPointer) { bytes.withLock { $0.append(contentsOf: new) } }
    func setPatient(_ patient: Bool) {}
    func offer(_ new: UnsafeRawBufferPointer) -> Int {
        write(new)
        return new.count
    }
    var isConnected: Bool { true }
    func attach(wake: Int32) {}
    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}

/// What the user was told.
final class Notices: Sendable {
    private let all = Mutex<[String]>([])
    func add(_ sentence: String) { all.withLock { $0.append(sentence) } }
    var sentences: [String] { all.withLock { $0 } }
}

/// A hart that returns scripted exits and remembers the answers. When the script is over it idles until it
/// is kicked, as a hart in WFI does.
final class FakeCPU: VirtualCPU, @unchecked Sendable {
    let id: Int
    private let lock = NSCondition()
    private var script: [Exit]
    private var kicked = false
    private(set) var answers: [ExitAnswer] = []
    /// Levels of the external interrupt, in order.
    private(set) var externalInterrupts: [Bool] = []
    private(set) var registerValues: [RegisterID: UInt64] = [:]
    /// In the order in which they were first written.
    private(set) var registerOrder: [RegisterID] = []
    private(set) var power = PowerState.runnable
    /// Happens when it is told to run.
    var atRun: (() -> Void)?
    /// What it says of its power state before that.
    var powerAnswers: [PowerState] = []
    /// What this hart doesn't have.
    var absent: Set<RegisterID> = []
    /// What it takes and keeps otherwise: these bits read 0.
    var hardwired: [RegisterID: UInt64] = [:]

    init(_ id: Int, _ script: [Exit]) {
        self.id = id
        self.script = script
    }

    func run(_ answer: ExitAnswer) -> Exit {
        atRun?()
        lock.lock()
        defer { lock.unlock() }
        answers.append(answer)
        while !kicked {
            if !script.isEmpty { return script.removeFirst() }
            lock.wait()
        }
        kicked = false
        return .interrupted
    }

    func kick() {
        lock.lock()
        kicked = true
        lock.signal()
        lock.unlock()
    }

    func setExternalInterrupt(_ level: Bool) { externalInterrupts.append(level) }
    func register(_ id: RegisterID) throws(EngineError) -> UInt64 {
        if absent.contains(id) { throw .missing("no such register") }
        return registerValues[id] ?? 0
    }
    func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError) {
        if absent.contains(id) { throw .missing("no such register") }
        if registerValues[id] == nil { registerOrder.append(id) }
        registerValues[id] = value & ~(hardwired[id] ?? 0)
    }
    func bytes(of id: RegisterID) throws(EngineError) -> [UInt8] {
        let value = try register(id)
        return (0..<id.size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
    func setBytes(of id: RegisterID, to bytes: [UInt8]) throws(EngineError) {
        try setRegister(id, to: bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
    func registers() throws(EngineError) -> [RegisterID] { registerOrder }
    func powerState() throws(EngineError) -> PowerState { powerAnswers.isEmpty ? power : powerAnswers.removeFirst() }
    func setPowerState(_ state: PowerState) throws(EngineError) { power = state }
    func setDebugging(_ isOn: Bool) throws(EngineError) { throw .unsupported("a fake has no guest code") }
    func takeDirtyPages() throws(EngineError) -> [DirtyPage] { throw .unsupported("a fake stores nothing") }
}

final class FakeMachine: VirtualMachine {
    struct Message: Equatable { var address: UInt64, data: UInt32 }

    let cpus: [any VirtualCPU]
    private(set) var messages: [Message] = []
    /// By hart and siselect number; nil without interrupt files.
    var files: [[UInt64: UInt64]]?
    private(set) var doorbells: [UInt64] = []
    var hasDoorbells = false
    var inspector: (any Inspector)? { nil }
    var machineLevel: (any MachineLevel)? { nil }
    func watchStores(to address: UInt64) throws(EngineError) { throw .unsupported("a fake stores nothing") }
    func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        guard hasDoorbells else { throw .unsupported("a fake has exits only") }
        doorbells.append(address)
    }
    func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        throw .missing("a fake has no doorbell")
    }
    func sendMSI(address: UInt64, data: UInt32) -> Bool {
        messages.append(Message(address: address, data: data))
        return true
    }
    func moveSlot(_ slot: Int, to base: UInt64?) throws(EngineError) { throw .missing("a fake has no slots") }
    func logWrites(slot: Int, _ isOn: Bool) throws(EngineError) { throw .missing("a fake has no slots") }
    func takeWrites(slot: Int) throws(EngineError) -> [UInt64] { throw .missing("a fake has no slots") }
    func addInterruptDoorbell(eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError) {
        throw .unsupported("a fake has no interrupt files")
    }
    func removeInterruptDoorbell(eventfd: Int32) throws(EngineError) { throw .missing("a fake has no doorbell") }
    func interruptFile(hart: Int, _ select: UInt64) throws(EngineError) -> UInt64 {
        guard let files else { throw .unsupported("a fake has no interrupt files") }
        return files[hart][select] ?? 0
    }
    func setInterruptFile(hart: Int, _ select: UInt64, to value: UInt64) throws(EngineError) {
        guard files != nil else { throw .unsupported("a fake has no interrupt files") }
        files?[hart][select] = value
    }
    init(_ cpus: [any VirtualCPU]) { self.cpus = cpus }
}

/// Makes one machine a script; each reset takes the next.
final class FakeEngine: Engine, @unchecked Sendable {
    let name: String
    var dictates = HostDictates()
    /// Why it makes no machine.
    var refusal: EngineError?
    /// What is done to a machine before anybody has it.
    var prepare: (FakeMachine, [FakeCPU]) -> Void = { _, _ in }
    private var scripts: [[Exit]]
    private(set) var made: [FakeCPU] = []
    private(set) var setups: [MachineSetup] = []
    private(set) var machines: [FakeMachine] = []

    init(_ scripts: [Exit]..., name: String = "fake") {
        self.scripts = scripts
        self.name = name
    }

    func capability(_ one: Capability) -> Int { 0 }

    func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
        if let refusal { throw refusal }
        let script = scripts.isEmpty ? [] : scripts.removeFirst()
        setups.append(setup)
        let cpus = (0..<setup.cpuCount).map { FakeCPU($0, $0 == 0 ? script : []) }
        made += cpus
        let machine = FakeMachine(cpus)
        if setup.imsic != nil { machine.files = cpus.map { _ in [:] } }
        prepare(machine, cpus)
        machines.append(machine)
        return machine
    }
}

/// A directory of its own that goes away with the test.
final class Scratch {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "rvkvm-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ bytes: [UInt8]) -> String {
        let full = path + "/" + name
        _ = FileManager.default.createFile(atPath: full, contents: Data(bytes))
        return full
    }

    /// The smallest thing that passes for a kernel: an Image header with a jump to what is behind it, or to itself.
    func kernel(running program: [UInt32] = []) -> String {
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes[0] = 0x6F
        if !program.isEmpty { bytes[3] = 0x04 }  // j . + 64
        bytes[10] = 0x20  // text_offset 2 MiB
        bytes[17] = 0x10  // image_size 4 KiB
        bytes[0x20] = 2
        bytes.replaceSubrange(0x30..<0x36, with: Array("RISCV\0".utf8))
        bytes.replaceSubrange(0x38..<0x3C, with: [0x52, 0x53, 0x43, 5])
        for word in program {
            for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return file("Image", bytes)
    }
}
