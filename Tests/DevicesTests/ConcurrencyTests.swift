import Devices
import Synchronization
import Testing

/// Devices as several vCPU threads and a reader use them at once.
@Suite struct ConcurrencyTests {
    /// No request is lost, whichever of the contexts that all enable the source takes it.
    @Test func noRequestIsLost() async {
        let contexts = 4, perSource = 2_000
        let plic = PLIC(wires: (0..<contexts).map { _ in UnconnectedLine() })
        for source: UInt64 in 1...95 { plic.write(offset: 4 * source, width: 4, value: 1 + source % 7) }
        for context in 0..<UInt64(contexts) {
            for word: UInt64 in 0..<3 { plic.write(offset: 0x2000 + 0x80 * context + 4 * word, width: 4, value: 0xFFFF_FFFF) }
        }
        let sources = [7, 40, 70]
        let claimed = (0..<3).map { _ in Counter() }
        let done = Counter()
        await withTaskGroup(of: Void.self) { group in
            for (index, source) in sources.enumerated() {
                guard let line = plic.line(source: source) else { continue }
                group.addTask {
                    // The device's side: assert, and wait for the driver to have taken it before the next.
                    for round in 1...perSource {
                        line.set(true)
                        while claimed[index].value < round { await Task.yield() }
                        line.set(false)
                        // A level that outlived its completion pends once more; let the handlers swallow that.
                        while plic.read(offset: 0x1000 + 4 * UInt64(source / 32), width: 4) >> UInt64(source % 32) & 1 == 1 {
                            await Task.yield()
                        }
                    }
                    done.add(1)
                }
            }
            for context in 0..<UInt64(contexts) {
                group.addTask {
                    let register = 0x20_0004 + 0x1000 * context
                    while done.value < sources.count {
                        let id = plic.read(offset: register, width: 4)
                        if let index = sources.firstIndex(of: Int(id)) {
                            claimed[index].add(1)
                            plic.write(offset: register, width: 4, value: id)
                        } else {
                            #expect(id == 0)
                        }
                        // Always, or handlers of a level that stays high keep the device off the processors.
                        await Task.yield()
                    }
                }
            }
        }
        for counter in claimed { #expect(counter.value >= perSource) }
        for word: UInt64 in 0..<3 { #expect(plic.read(offset: 0x1000 + 4 * word, width: 4) == 0) }
    }

    /// Each assertion of an edge or level is one message, while other harts work on other sources.
    @Test func noMessageIsLost() async throws {
        final class Tally: MessageReceiver {
            let counts = (0..<16).map { _ in Counter() }
            func send(address: UInt64, data: UInt32) { counts[Int(data)].add(1) }
        }
        let tally = Tally(), perSource = 5_000
        let aplic = APLIC(machine: nil, supervisor: .messages(to: tally))
        let domain = DomainRegisters(device: aplic.domains[0])
        domain.domaincfg = 0x100
        let sources: [(Int, DomainRegisters.Mode)] = [(1, .edge1), (31, .level1), (32, .edge0), (96, .level0)]
        for (index, (source, mode)) in sources.enumerated() {
            if mode == .edge0 || mode == .level0 { aplic.line(source: source)?.set(true) }
            domain.set(up: source, mode: mode, target: UInt32(index + 1))
        }
        let done = Counter()
        await withTaskGroup(of: Void.self) { group in
            for (source, mode) in sources {
                guard let line = aplic.line(source: source) else { continue }
                let asserted = mode == .edge1 || mode == .level1
                group.addTask {
                    for _ in 0..<perSource {
                        line.set(asserted)
                        line.set(!asserted)
                    }
                    done.add(1)
                }
            }
            group.addTask {
                while done.value < sources.count {
                    domain.set(up: 5, mode: .detached, target: 15)
                    domain.setipnum(5)
                    domain.sourcecfg(5, 0)
                    _ = domain.get(0x1D00)
                    await Task.yield()
                }
            }
        }
        for index in 1...sources.count { #expect(tally.counts[index].value == perSource) }
    }

    /// A paste through the FIFO while another thread transmits: both arrive whole and in order.
    @Test func receiveAndTransmit() async {
        final class Reader: UARTInputObserver, @unchecked Sendable {
            let room = Counter()
            func roomAvailable() { room.add(1) }
        }
        let sink = FakeSink(), line = FakeLine(), reader = Reader()
        let uart = UART16550(line: line, sink: sink)
        uart.setObserver(reader)
        uart.write(offset: 2, width: 1, value: 0x81)
        uart.write(offset: 1, width: 1, value: 0x01)
        let text = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let got = await withTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                var rest = text[...]
                var seen = 0
                while true {
                    rest = rest.dropFirst(rest.withUnsafeBytes { uart.receive($0) })
                    if rest.isEmpty { return [] }
                    // Every refusal is answered, or this hangs.
                    seen += 1
                    while reader.room.value < seen { await Task.yield() }
                }
            }
            group.addTask {
                var got: [UInt8] = []
                while got.count < text.count {
                    if uart.read(offset: 5, width: 1) & 1 == 1 {
                        got.append(UInt8(truncatingIfNeeded: uart.read(offset: 0, width: 1)))
                    } else {
                        await Task.yield()
                    }
                }
                return got
            }
            group.addTask {
                for byte in text { uart.write(offset: 0, width: 1, value: UInt64(byte)) }
                return []
            }
            return await group.reduce([], +)
        }
        #expect(got == text)
        #expect(sink.bytes == text)
        #expect(line.level == false)
    }

    final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .sequentiallyConsistent) }
        func add(_ n: Int) { count.wrappingAdd(n, ordering: .sequentiallyConsistent) }
    }
}
