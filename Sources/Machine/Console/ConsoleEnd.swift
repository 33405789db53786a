import CHost
import Devices
import VirtIO

/// The far end of a port of the virtio console: an output, and an input that the port claims while the guest has
/// it open.
final class ConsoleEnd: ConsoleFarEnd, @unchecked Sendable {
    private let output: any ConsoleOutput
    private let input: ConsoleInput
    private let lock = Lock()
    // Guarded by `lock`.
    private var wake: Int32 = -1
    private var isOpen = false
    private var terminal: ConsoleSize?

    init(output: any ConsoleOutput, input: ConsoleInput) {
        self.output = output
        self.input = input
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int { output.offer(bytes) }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let bytes = input.take(buffer.count)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    var isConnected: Bool { output.isConnected || !input.isEmpty }

    var size: ConsoleSize? { lock.withLock { terminal } }

    /// The terminal has another size.
    func resize(_ size: ConsoleSize) {
        lock.withLock {
            guard size != terminal else { return }
            terminal = size
            if wake >= 0 { host_eventfd_signal(wake) }
        }
    }

    func guestOpened(_ isOpen: Bool) {
        lock.withLock {
            self.isOpen = isOpen
            input.claim(isOpen ? wake : nil)
        }
    }

    func attach(wake: Int32) {
        output.attach(wake: wake)
        lock.withLock {
            self.wake = wake
            input.claim(isOpen ? wake : nil)
        }
    }
}
