import CHost
import Synchronization
import Testing
import VirtIO

/// Counts what it hears, and drains the descriptor named by the tag.
private final class Counter: EventHandler {
    let calls = Atomic<Int>(0)
    let kinds = Atomic<UInt32>(0)
    func handle(_ kinds: EventKinds, tag: Int) {
        host_eventfd_drain(Int32(tag))
        self.kinds.store(kinds.rawValue, ordering: .relaxed)
        calls.add(1, ordering: .sequentiallyConsistent)
    }
    var count: Int { calls.load(ordering: .sequentiallyConsistent) }
}

private final class Numbers: Sendable {
    private let value = Mutex<[Int]>([])
    var all: [Int] { value.withLock { $0 } }
    func append(_ number: Int) { value.withLock { $0.append(number) } }
}

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .sequentiallyConsistent) }
    func set() { value.store(true, ordering: .sequentiallyConsistent) }
    func clear() { value.store(false, ordering: .sequentiallyConsistent) }
}

@Suite("event loops")
struct EventLoopTests {
    @Test("a watched descriptor is heard until it isn't watched any more")
    func watching() throws {
        let loop = try EventLoop(name: "test-loop")
        defer { loop.stop() }
        let fd = host_eventfd()
        defer { host_close(fd) }
        let counter = Counter()
        try loop.watch(fd, .read, counter, tag: Int(fd))
        for i in 1...20 {
            host_eventfd_signal(fd)
            #expect(eventually { counter.count == i })
        }
        loop.change(fd, [])
        host_eventfd_signal(fd)
        // Work posted later is done later, so the event would have been seen by then.
        let seen = Flag()
        loop.post { seen.set() }
        #expect(eventually { seen.isSet })
        #expect(counter.count == 20)
        loop.change(fd, .read)
        #expect(eventually { counter.count == 21 })
        loop.unwatch(fd)
        host_eventfd_signal(fd)
        seen.clear()
        loop.post { seen.set() }
        #expect(eventually { seen.isSet })
        #expect(counter.count == 21)
        // The same descriptor, watched anew.
        try loop.watch(fd, [.read, .write], counter, tag: Int(fd))
        #expect(eventually { counter.count > 22 })
    }

    @Test("work is done in order, and none of it after stop")
    func posting() throws {
        let loop = try EventLoop(name: "test-loop")
        let order = Numbers()
        for i in 0..<1000 { loop.post { order.append(i) } }
        #expect(eventually { order.all.count == 1000 })
        #expect(order.all == Array(0..<1000))
        loop.stop()
        loop.post { order.append(-1) }
        loop.stop()
        #expect(order.all.count == 1000)
        #expect(loop.isStopping)
    }

    @Test("what can't be watched is refused")
    func refusal() throws {
        let loop = try EventLoop(name: "test-loop")
        defer { loop.stop() }
        #expect(throws: EventLoopError.notWatchable(errno: 9)) { try loop.watch(-1, .read, Counter()) }
        let fd = host_eventfd()
        defer { host_close(fd) }
        try loop.watch(fd, .read, Counter())
        #expect(throws: EventLoopError.notWatchable(errno: 17)) { try loop.watch(fd, .read, Counter()) }
    }

    @Test("a stopped loop lets go of itself and of its handlers")
    func release() throws {
        final class Token: EventHandler {
            let gone: Flag
            init(_ gone: Flag) { self.gone = gone }
            deinit { gone.set() }
            func handle(_ kinds: EventKinds, tag: Int) {}
        }
        let gone = Flag()
        let fd = host_eventfd()
        defer { host_close(fd) }
        do {
            let loop = try EventLoop(name: "test-loop")
            try loop.watch(fd, .read, Token(gone))
            loop.stop()
        }
        #expect(gone.isSet)
    }
}
