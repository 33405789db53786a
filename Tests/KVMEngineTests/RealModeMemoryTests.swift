import CHost
import ExecutionEngine
import Foundation
import GuestMemory
import KVMEngine
import Synchronization
import Testing

/// Slots that move, and how their writes are told, on the host's own /dev/kvm.
@Suite("KVM's memory, on x86 code", .enabled(if: RealModeGuest.obstacle == nil, Comment(rawValue: RealModeGuest.obstacle ?? "")))
struct RealModeMemoryTests {
    /// mov byte [0x2000], 1; mov byte [0x3FFF], 1; hlt; mov byte [0x3000], 1; hlt
    static let writer: [UInt8] = [0xC6, 0x06, 0x00, 0x20, 1, 0xC6, 0x06, 0xFF, 0x3F, 1, 0xF4, 0xC6, 0x06, 0x00, 0x30, 1, 0xF4]
    /// again: inc word [0x5000]; jmp again
    static let counter: [UInt8] = [0xFF, 0x06, 0x00, 0x50, 0xEB, 0xFA]

    @Test("a moved slot takes its contents along, and leaves a device's place behind")
    func moved() throws {
        // mov al, [0x9001]; mov [0x6001], al; mov al, [0x5001]; hlt
        let guest = try RealModeGuest([0xA0, 0x01, 0x90, 0xA2, 0x01, 0x60, 0xA0, 0x01, 0x50, 0xF4], moreAt: 0x5000)
        try guest.memory.write([0x11, 0x22], at: 0x5000)
        try guest.space.moveSlot(1, to: 0x9000)
        let store = try guest.access()
        #expect(store.is_write && store.address == 0x6001 && store.value == 0x22)
        let load = try guest.access()
        #expect(!load.is_write && load.address == 0x5001)
        #expect(try guest.memory.bytes(0x9000, count: 2) == [0x11, 0x22])
        #expect(throws: GuestMemoryError.self) { try guest.memory.bytes(0x5000, count: 2) }
    }

    @Test("a slot out of sight is a device's place, and comes back with its contents")
    func hidden() throws {
        // mov al, [0x5001]; mov al, [0x5001]; mov [0x8000], al; hlt
        let guest = try RealModeGuest([0xA0, 0x01, 0x50, 0xA0, 0x01, 0x50, 0xA2, 0x00, 0x80, 0xF4], moreAt: 0x5000)
        try guest.memory.write([0x11, 0x22], at: 0x5000)
        try guest.space.moveSlot(1, to: nil)
        try guest.space.moveSlot(1, to: nil)
        #expect(throws: GuestMemoryError.self) { try guest.memory.bytes(0x5000, count: 2) }
        let load = try guest.access()
        #expect(!load.is_write && load.address == 0x5001)
        try guest.space.moveSlot(1, to: 0x5000)
        #expect(try guest.access().value == 0x22)
        #expect(guest.halts)
    }

    @Test("where a slot can't lie it doesn't go")
    func refusedMoves() throws {
        // mov al, [0x5001]; mov [0x8000], al
        let guest = try RealModeGuest([0xA0, 0x01, 0x50, 0xA2, 0x00, 0x80, 0xF4], moreAt: 0x5000)
        try guest.memory.write([0x11, 0x22], at: 0x5000)
        #expect(throws: EngineError.missing("there is no memory slot 2")) { try guest.space.moveSlot(2, to: 0x9000) }
        #expect(throws: EngineError.missing("there is no memory slot -1")) { try guest.space.moveSlot(-1, to: nil) }
        for base in [0x3000, 0x9001, 0 &- 0x1000, 1 << 60] as [UInt64] {
            let error = #expect(throws: EngineError.self) { try guest.space.moveSlot(1, to: base) }
            guard case .invalid = error else {
                Issue.record("0x\(String(base, radix: 16)): \(String(describing: error))")
                continue
            }
        }
        #expect(try guest.memory.bytes(0x5000, count: 2) == [0x11, 0x22])
        #expect(try guest.access().value == 0x22)
    }

    @Test("a slot moves under a vCPU, which goes on where it is")
    func movedWhileRunning() throws {
        let guest = try RealModeGuest(Self.counter, moreAt: 0x5000)
        let runner = Runner(guest.cpu)
        for round in 0..<200 {
            let places: [UInt64?] = [nil, 0x9000, 0x5000]
            try guest.space.moveSlot(1, to: places[round % 3])
            host_sleep_ns(50_000)
        }
        try guest.space.moveSlot(1, to: 0x5000)
        try guest.memory.write(UInt16(0), at: 0x5000)
        host_sleep_ns(20_000_000)
        #expect(runner.stop() == nil)
        #expect(try guest.memory.read(0x5000, as: UInt16.self) != 0)
    }

    @Test("the log of writes names the pages, once, while it is on")
    func log() throws {
        let guest = try RealModeGuest(Self.writer)
        #expect(throws: EngineError.missing("the writes to memory slot 0 aren't logged")) { try guest.space.takeWrites(slot: 0) }
        try guest.space.logWrites(slot: 0, true)
        #expect(guest.halts)
        // Starting again changes nothing.
        try guest.space.logWrites(slot: 0, true)
        #expect(try guest.space.takeWrites(slot: 0) == [0b1100])
        #expect(try guest.space.takeWrites(slot: 0) == [0])
        #expect(guest.halts)
        #expect(try guest.space.takeWrites(slot: 0) == [0b1000])
        try guest.space.logWrites(slot: 0, false)
        try guest.space.logWrites(slot: 0, false)
        #expect(throws: EngineError.missing("the writes to memory slot 0 aren't logged")) { try guest.space.takeWrites(slot: 0) }
        #expect(throws: EngineError.missing("there is no memory slot 1")) { try guest.space.takeWrites(slot: 1) }
        #expect(throws: EngineError.missing("there is no memory slot 1")) { try guest.space.logWrites(slot: 1, true) }
    }

    @Test("a log goes with its slot, out of sight and back")
    func logOfAMovedSlot() throws {
        // mov byte [0x5000], 1; hlt; mov byte [0x9000 + 0x1000], 1; hlt; mov byte [0x5000 + 0x2000], 1; hlt
        let guest = try RealModeGuest(
            [0xC6, 0x06, 0x00, 0x50, 1, 0xF4, 0xC6, 0x06, 0x00, 0xA0, 1, 0xF4, 0xC6, 0x06, 0x00, 0x70, 1, 0xF4], moreAt: 0x5000)
        try guest.space.logWrites(slot: 1, true)
        #expect(guest.halts)
        try guest.space.moveSlot(1, to: 0x9000)
        #expect(guest.halts)
        try guest.space.moveSlot(1, to: nil)
        try guest.space.moveSlot(1, to: 0x5000)
        #expect(guest.halts)
        #expect(try guest.space.takeWrites(slot: 1) == [0b111])
        try guest.space.moveSlot(1, to: nil)
        #expect(try guest.space.takeWrites(slot: 1) == [0])
        try guest.space.logWrites(slot: 1, false)
        #expect(throws: EngineError.self) { try guest.space.takeWrites(slot: 1) }
    }

    @Test("a slot that comes and goes under a writer logs every write")
    func logOfAHiddenSlot() throws {
        let guest = try RealModeGuest(Self.counter, moreAt: 0x5000)
        try guest.space.logWrites(slot: 1, true)
        let runner = Runner(guest.cpu)
        var before: UInt16 = 0
        var changes = 0
        for _ in 0..<200 {
            host_sleep_ns(100_000)
            try guest.space.moveSlot(1, to: nil)
            let log = try guest.space.takeWrites(slot: 1)
            // Where the guest doesn't look.
            try guest.space.moveSlot(1, to: 0xB000)
            let after = try guest.memory.read(0xB000, as: UInt16.self)
            if after != before {
                changes += 1
                #expect(log == [1])
            }
            before = after
            try guest.space.moveSlot(1, to: 0x5000)
        }
        #expect(runner.stop() == nil)
        #expect(changes > 0)
    }

    @Test("a run that is refused counts when no slot has changed since its start, nor does then")
    func changes() throws {
        let guest = try RealModeGuest([0xF4], moreAt: 0x5000)
        let space = guest.space
        var before = space.changes
        #expect(!space.hasChanged(since: before))
        try guest.space.moveSlot(1, to: 0x5000)
        #expect(!space.hasChanged(since: before))
        try guest.space.moveSlot(1, to: 0x9000)
        #expect(space.hasChanged(since: before))
        before = space.changes
        #expect(!space.hasChanged(since: before))
        try guest.space.moveSlot(1, to: nil)
        #expect(space.hasChanged(since: before))
        before = space.changes
        _ = space.changing {
            #expect(space.hasChanged(since: before))
            #expect(space.hasChanged(since: space.changes))
            return 0
        }
        #expect(space.hasChanged(since: before))
        #expect(!space.hasChanged(since: space.changes))
    }

    @Test("machines that are gone leave nothing open")
    func nothingLeaks() throws {
        func descriptors() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
        _ = try RealModeGuest([0xF4]).halts
        let before = descriptors()
        for _ in 0..<64 { #expect(try RealModeGuest([0xF4], moreAt: 0x5000).halts) }
        // Other tests run beside this one.
        #expect(descriptors() < before + 64)
    }
}

/// The same memory, told through a ring.
@Suite("KVM's rings, on x86 code", .enabled(if: RealModeGuest.ringObstacle == nil, Comment(rawValue: RealModeGuest.ringObstacle ?? "")))
struct RealModeRingTests {
    @Test("a ring names the pages, in order, and then they are clean")
    func ring() throws {
        let guest = try RealModeGuest(RealModeMemoryTests.writer, ring: 1 << 16)
        #expect(try guest.cpu.takeDirtyPages() == [])
        try guest.space.logWrites(slot: 0, true)
        #expect(guest.halts)
        #expect(try guest.cpu.takeDirtyPages() == [DirtyPage(slot: 0, page: 2), DirtyPage(slot: 0, page: 3)])
        #expect(try guest.cpu.takeDirtyPages() == [])
        #expect(guest.halts)
        #expect(try guest.cpu.takeDirtyPages() == [DirtyPage(slot: 0, page: 3)])
        guard case .unsupported = #expect(throws: EngineError.self, performing: { try guest.space.takeWrites(slot: 0) }) else {
            Issue.record("a log beside the ring?")
            return
        }
    }

    @Test("a ring that is full ends the run, and loses no page")
    func full() throws {
        let guest = try RealModeGuest(
            [
                0xB8, 0x00, 0x10,  // again: mov ax, 0x1000
                0x8E, 0xC0,  // segment: mov es, ax
                0x26, 0xC6, 0x06, 0x00, 0x00, 0x01,  // mov byte [es:0], 1
                0x05, 0x00, 0x01,  // add ax, 0x100: the next page
                0x73, 0xF3,  // jnc segment
                0xF4, 0xEB, 0xED,  // hlt; jmp again
            ], moreAt: 0x10000, moreSize: 240 << 12, ring: 1 << 14)
        // How many of its 1024 entries a ring keeps for itself is the host's business. So the guest writes until it
        // is full; between two rounds the kernel forgets which pages it has told already.
        var wasFull = false
        rounds: for _ in 0..<8 {
            try guest.space.logWrites(slot: 1, false)
            try guest.space.logWrites(slot: 1, true)
            switch guest.cpu.run() {
            case .exit(HOST_KVM_EXIT_HLT.rawValue): continue
            case .exit(HOST_KVM_EXIT_DIRTY_RING_FULL.rawValue): wasFull = true
            case let end: Issue.record("\(end)")
            }
            break rounds
        }
        #expect(wasFull)
        var seen = try guest.cpu.takeDirtyPages()
        #expect(guest.halts)
        seen += try guest.cpu.takeDirtyPages()
        #expect(Set(seen) == Set((0..<240).map { DirtyPage(slot: 1, page: $0) }))
    }

    @Test("rings of sizes that there aren't are refused with the reason")
    func sizes() throws {
        for size in [0, 100, 5000, 1 << 40] {
            #expect(throws: EngineError.self) { try RealModeGuest([0xF4], ring: size) }
        }
        let guest = try RealModeGuest([0xF4])
        #expect(throws: EngineError.unsupported("this machine's vCPUs have no rings of written pages")) { try guest.cpu.takeDirtyPages() }
    }
}

/// A thread that runs a vCPU, and answers its accesses with zeros, until it is stopped.
final class Runner: @unchecked Sendable {
    private let cpu: KVMThread
    private let isOver = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)
    private var surprise: KVMThread.End?

    init(_ cpu: KVMThread) {
        self.cpu = cpu
        Thread.detachNewThread { [self] in
            while !isOver.load(ordering: .sequentiallyConsistent) {
                switch cpu.run() {
                case .exit(HOST_KVM_EXIT_MMIO.rawValue): host_kvm_answer_mmio(cpu.page, 0)
                case .kicked: break
                case let end:
                    surprise = end
                    isOver.store(true, ordering: .sequentiallyConsistent)
                }
            }
            ended.signal()
        }
    }

    /// What ended it before it was stopped, if anything did.
    func stop() -> KVMThread.End? {
        isOver.store(true, ordering: .sequentiallyConsistent)
        cpu.kick()
        ended.wait()
        return surprise
    }
}
