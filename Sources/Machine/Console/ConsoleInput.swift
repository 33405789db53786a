import CHost
import Devices

/// A console's way in: bytes wait here until the guest takes them, through the UART, SBI or a port of the virtio
/// console. A port that the guest has open comes before the UART: firmware reads the serial line, and the
/// kernel after it the port.
///
/// It outlives a reset: what was typed for the old kernel and not read goes to the new one, as on a serial
/// line. Whoever brings bytes asks `room` first and stops reading while there is none; `wake` is signalled
/// when it should look again.
package final class ConsoleInput: UARTInputObserver, @unchecked Sendable {
    private static let capacity = 4096

    private let lock = Lock()
    private let wake: Int32
    // Guarded by `lock`.
    private var waiting: [UInt8] = []
    private var uart: UART16550?
    /// The eventfd of the port that has claimed the input.
    private var port: Int32?

    /// `wake` is an eventfd of the caller, or negative when nobody waits.
    package init(wake: Int32) { self.wake = wake }

    /// How many more bytes `push` takes.
    package var room: Int { lock.withLock { Self.capacity - waiting.count } }

    /// Whether nothing waits for the guest.
    package var isEmpty: Bool { lock.withLock { waiting.isEmpty } }

    /// Takes bytes; those beyond `room` are dropped.
    package func push(_ bytes: some Sequence<UInt8>) {
        lock.withLock {
            for byte in bytes where waiting.count < Self.capacity { waiting.append(byte) }
            offer()
        }
    }

    /// Offers the UART what waits. Called by the reader when `wake` was signalled.
    package func feed() { lock.withLock { offer() } }

    /// Takes up to `count` bytes for an SBI call.
    package func take(_ count: Int) -> [UInt8] {
        let bytes = lock.withLock {
            let n = max(0, min(count, waiting.count))
            let bytes = Array(waiting.prefix(n))
            waiting.removeFirst(n)
            return bytes
        }
        if !bytes.isEmpty { roomAvailable() }
        return bytes
    }

    /// The UART that is fed from now on.
    func connect(_ uart: UART16550?) {
        let old = lock.withLock {
            let old = self.uart
            self.uart = uart
            return old
        }
        // Without our lock: the UART takes its own.
        old?.setObserver(nil)
        uart?.setObserver(self)
        feed()
    }

    /// Keeps what comes for a port, whose eventfd `port` is; nil gives it back to the UART.
    package func claim(_ port: Int32?) {
        lock.withLock {
            self.port = port
            offer()
        }
    }

    package func roomAvailable() { if wake >= 0 { host_eventfd_signal(wake) } }

    private func offer() {
        guard !waiting.isEmpty else { return }
        if let port {
            if port >= 0 { host_eventfd_signal(port) }
            return
        }
        guard let uart else { return }
        let taken = waiting.withUnsafeBytes { uart.receive($0) }
        waiting.removeFirst(min(max(0, taken), waiting.count))
    }
}
