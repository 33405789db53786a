/// Takes the bytes that the guest transmits. Called one byte at a time with the UART locked: it may buffer, and it
/// must not call the UART.
package protocol ByteSink: AnyObject, Sendable {
    func write(_ bytes: UnsafeRawBufferPointer)
}

/// Learns that the UART, having refused input, takes some again. Called on the thread that made room, often a
/// vCPU's, with no lock held; it should do no more than wake the reader.
package protocol UARTInputObserver: AnyObject, Sendable {
    func roomAvailable()
}

/// A 16550A serial port (National PC16550D) with its registers at consecutive bytes.
///
/// Time doesn't pass on the wire: a byte is gone when it is written, so the transmitter is always empty, and the
/// divisor is stored but has no effect. For the same reason the receiver's time-out interrupt, four characters'
/// time on a real one, comes at once when data stay below the trigger level.
///
/// The other end of the line is patient. It holds input back until the guest listens, since drivers reset the
/// receive FIFO while they start, and a pasted or piped line would lose its head to that. A guest listens when it
/// has enabled the receive interrupt, or when it polls: `State.pollsBeforeListening` looks at LSR that found
/// nothing, with nothing sent in between. (A driver that waits for the transmitter looks once a character.)
package final class UART16550: MMIODevice, @unchecked Sendable {
    let lock = Lock()
    let line: any InterruptLine
    let sink: any ByteSink
    var observer: (any UARTInputObserver)?
    var state = State()

    /// A port in its reset state that transmits to `sink` and interrupts through `line`.
    package init(line: any InterruptLine, sink: any ByteSink) {
        self.line = line
        self.sink = sink
    }

    /// Sets who hears that there is room again; nil cuts the cycle between the port and its reader.
    package func setObserver(_ observer: (any UARTInputObserver)?) {
        lock.withLock { self.observer = observer }
    }

    /// Takes as many of `bytes` as there is room for (up to 16 with the FIFO on, 1 without) and returns how many.
    /// When that isn't all of them, the observer is called once as soon as the port has been drained and takes
    /// more.
    package func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        lock.withLock {
            let room = state.acceptsInput ? state.receiveCapacity &- state.received.count : 0
            let taken = max(0, min(room, bytes.count))
            for byte in bytes.prefix(taken) { state.received.append(byte) }
            state.hasRefused = taken < bytes.count
            updateLine()
            return taken
        }
    }

    /// Returns the port to its state at power-on (datasheet, table I). Input in the FIFO is lost.
    package func reset() {
        lock.withLock {
            let hasRefused = state.hasRefused
            state = State()
            // The reader still waits, for a guest that listens again.
            state.hasRefused = hasRefused
            updateLine()
        }
    }

    /// The observer, if it waits for room and there is some now. To be called with the lock held, and the result
    /// used without it.
    func takeWaitingObserver() -> (any UARTInputObserver)? {
        guard state.hasRefused, state.acceptsInput, state.received.count == 0 else { return nil }
        state.hasRefused = false
        return observer
    }
}
