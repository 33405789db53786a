import Devices
import Testing

/// Backpressure between the port and the reader of the terminal.
@Suite struct UARTInputTests {
    final class Observer: UARTInputObserver, @unchecked Sendable {
        var calls = 0
        var onRoom: (() -> Void)?
        func roomAvailable() {
            calls += 1
            onRoom?()
        }
    }

    private func observed() -> (Port, Observer) {
        let port = Port(), observer = Observer()
        port.uart.setObserver(observer)
        return (port, observer)
    }

    @Test func takesWhatFits() {
        let (port, observer) = observed()
        port.listen()
        #expect(port.receive(Array(0..<10)) == 10)
        #expect(port.receive(Array(10..<30)) == 6)
        #expect(port.receive([30]) == 0)
        #expect(port.receive([]) == 0)
        #expect(observer.calls == 0)
    }

    @Test func tellsOfRoomOnceWhenDrained() {
        let (port, observer) = observed()
        port.listen()
        _ = port.receive(Array(0..<20))
        for _ in 0..<15 { _ = port[RBR] }
        #expect(observer.calls == 0)
        _ = port[RBR]
        #expect(observer.calls == 1)
        _ = port[RBR]
        _ = port[LSR]
        #expect(observer.calls == 1)
    }

    @Test func silentWhenNothingWasRefused() {
        let (port, observer) = observed()
        port.listen()
        _ = port.receive(Array(0..<16))
        for _ in 0..<16 { _ = port[RBR] }
        port[FCR] = 0x03
        #expect(observer.calls == 0)
    }

    @Test func resettingTheFIFOMakesRoom() {
        let (port, observer) = observed()
        port.listen()
        _ = port.receive(Array(0..<17))
        port[FCR] = 0x03
        #expect(observer.calls == 1)
    }

    /// Linux 6.12 lets the receiver interrupt, and then switches the FIFO on.
    @Test func switchingTheFIFOOnKeepsTheByteThatCameBefore() {
        let (port, observer) = observed()
        port[IER] = 0x01
        #expect(port.receive([1, 2, 3]) == 1)
        port[FCR] = 0x01
        #expect(observer.calls == 0)
        #expect(port[LSR] & 1 == 1)
        #expect(port[RBR] == 1)
        #expect(observer.calls == 1)
        // Asked for, or switched off, it forgets.
        for control: UInt8 in [0x03, 0x00] {
            #expect(port.receive([4]) == 1)
            port[FCR] = control
            #expect(port[LSR] & 1 == 0)
        }
        #expect(port.receive([5]) == 1)
        port[FCR] = 0x03
        #expect(port[LSR] & 1 == 0)
    }

    @Test func leavingLoopbackMakesRoom() {
        let (port, observer) = observed()
        port.listen()
        port[MCR] = 0x10
        #expect(port.receive([1]) == 0)
        #expect(observer.calls == 0)
        port[MCR] = 0x00
        #expect(observer.calls == 1)
    }

    /// The observer may call the port at once: it isn't locked.
    @Test func pasteArrivesWhole() {
        let (port, observer) = observed()
        let text = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var rest = text[...]
        func feed() { rest = rest.dropFirst(port.receive(Array(rest))) }
        observer.onRoom = feed
        feed()
        #expect(rest.count == text.count, "nobody listens yet")
        port.listen(trigger: 3)
        var got: [UInt8] = []
        while port.line.level, got.count < 20_000 {
            #expect(port[IIR] & 0x0F == 0x04 || rest.isEmpty)
            while port[LSR] & 1 != 0 { got.append(port[RBR]) }
        }
        #expect(got == text)
        #expect(rest.isEmpty)
    }

    /// Linux resets the FIFO and reads RBR while it opens the port, and only then enables the interrupt.
    @Test func openingThePortLosesNothing() {
        let (port, observer) = observed()
        #expect(port.receive(Array("poweroff\n".utf8)) == 0)
        // serial8250 start-up, in its order.
        port[FCR] = 0x01
        port[FCR] = 0x07
        port[FCR] = 0x00
        for register in [LSR, RBR, IIR, MSR] { _ = port[register] }
        #expect(port[LSR] != 0xFF)
        port[LCR] = 0x03
        port[MCR] = 0x0B
        port[IER] = 0x02
        for register in [LSR, IIR] { _ = port[register] }
        port[IER] = 0x00
        for register in [LSR, RBR, IIR, MSR] { _ = port[register] }
        #expect(observer.calls == 0)
        port[FCR] = 0x81
        port[IER] = 0x05
        #expect(observer.calls == 1)
        #expect(port.receive(Array("poweroff\n".utf8)) == 9)
        #expect(port[RBR] == UInt8(ascii: "p"))
    }

    /// The polled console: one look at LSR a character, however long the log.
    @Test func polledOutputIsNotListening() {
        let (port, observer) = observed()
        #expect(port.receive([1]) == 0)
        for byte in 0..<5_000 {
            while port[LSR] & 0x20 == 0 {}
            port[THR] = UInt8(truncatingIfNeeded: byte)
        }
        #expect(observer.calls == 0)
        #expect(port.receive([1]) == 0)
    }

    /// A guest without interrupts, such as a boot loader's prompt.
    @Test func pollingGuestIsServed() {
        let (port, observer) = observed()
        let text = Array("a line typed at a prompt without interrupts\n".utf8)
        var rest = text[...]
        observer.onRoom = { rest = rest.dropFirst(port.receive(Array(rest))) }
        rest = rest.dropFirst(port.receive(text))
        #expect(rest.count == text.count)
        port[FCR] = 0x01
        var got: [UInt8] = []
        for _ in 0..<100_000 where got.count < text.count {
            if port[LSR] & 1 != 0 {
                got.append(port[RBR])
                port[THR] = got[got.count - 1]
            }
        }
        #expect(got == text)
        #expect(port.sink.bytes == text, "the echo")
    }
}
