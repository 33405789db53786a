import CHost
import Foundation
import Testing

@Suite("Threads on one core")
struct PinTests {
    /// How many cores a thread may use.
    private final class Counts: @unchecked Sendable {
        var before: Int32 = 0, after: Int32 = 0, again: Int32 = 0, child: Int32 = 0
    }

    private static func run(_ body: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void, _ counts: Counts) {
        var error: Int32 = 0
        guard let thread = host_thread_start(body, Unmanaged.passUnretained(counts).toOpaque(), "pin", &error) else {
            Issue.record("no thread: \(error)")
            return
        }
        host_thread_join(thread)
    }

    @Test("a thread stays on one core, and those that it starts don't")
    func pinned() {
        let counts = Counts()
        Self.run({ argument in
            guard let argument else { return }
            let counts = Unmanaged<Counts>.fromOpaque(argument).takeUnretainedValue()
            counts.before = host_core_count()
            host_thread_pin(7)
            counts.after = host_core_count()
            host_thread_pin(8)
            counts.again = host_core_count()
            PinTests.run({ argument in
                guard let argument else { return }
                Unmanaged<Counts>.fromOpaque(argument).takeUnretainedValue().child = host_core_count()
            }, counts)
        }, counts)
        #expect(counts.before == host_core_count())
        #expect(counts.after == 1)
        #expect(counts.again == 1)
        #expect(counts.child == counts.before)
    }
}
