extension UART16550 {
    /// What the registers hold. The initial values are those after a master reset (datasheet, table I).
    struct State {
        /// Consecutive fruitless looks at LSR that make a polling guest a listener. Linux's driver makes fewer than
        /// ten between two transmitted bytes while it starts.
        static let pollsBeforeListening = 32

        var received = ReceiveFIFO()
        var interruptEnable: InterruptEnable = []
        var isFIFOEnabled = false
        /// Bytes in the FIFO at which the receive interrupt is asserted: 1, 4, 8 or 14.
        var trigger = 1
        var lineControl: UInt8 = 0
        var modemControl: ModemControl = []
        var scratch: UInt8 = 0
        var divisor: UInt16 = 12
        /// A byte was lost since LSR was last read.
        var hasOverrun = false
        /// The THRE interrupt's flip-flop: set when the transmitter empties or the interrupt is enabled while it is
        /// empty, cleared by the IIR read that reports it.
        var isTransmitInterruptPending = false
        /// MSR's lower half: modem inputs that changed since it was last read.
        var modemDelta: ModemStatus = []

        /// The far end was refused some input and waits to be told of room.
        var hasRefused = false
        var fruitlessPolls = 0

        var isDivisorLatchOpen: Bool { lineControl & 0x80 != 0 }
        var isLoopback: Bool { modemControl.contains(.loopback) }
        var receiveCapacity: Int { isFIFOEnabled ? ReceiveFIFO.capacity : 1 }

        /// Loopback disconnects the receiver from the line; a guest that doesn't listen yet is spared (see the type).
        var acceptsInput: Bool {
            !isLoopback
                && (interruptEnable.contains(.receivedData) || fruitlessPolls >= State.pollsBeforeListening)
        }

        /// The modem inputs: an attached, ready terminal, or in loopback the modem outputs (datasheet 8.7, bit 4).
        var modemInputs: ModemStatus {
            guard isLoopback else { return [.clearToSend, .dataSetReady, .carrierDetect] }
            var inputs: ModemStatus = []
            if modemControl.contains(.requestToSend) { inputs.insert(.clearToSend) }
            if modemControl.contains(.dataTerminalReady) { inputs.insert(.dataSetReady) }
            if modemControl.contains(.out1) { inputs.insert(.ringIndicator) }
            if modemControl.contains(.out2) { inputs.insert(.carrierDetect) }
            return inputs
        }

        /// The enabled interrupt of the highest priority (datasheet, table IV).
        var interrupt: Interrupt {
            if interruptEnable.contains(.lineStatus), hasOverrun { return .lineStatus }
            if interruptEnable.contains(.receivedData), received.count > 0 {
                return isFIFOEnabled && received.count < trigger ? .timeout : .receivedData
            }
            if interruptEnable.contains(.transmitterEmpty), isTransmitInterruptPending { return .transmitterEmpty }
            if interruptEnable.contains(.modemStatus), !modemDelta.isEmpty { return .modemStatus }
            return .none
        }
    }

    /// The receiver's bytes: the 16-byte FIFO, or the one-byte buffer register when the FIFO is off.
    struct ReceiveFIFO {
        static let capacity = 16

        private var bytes = [UInt8](repeating: 0, count: capacity)
        private var first = 0
        private(set) var count = 0
        /// What RBR shows when nothing is there: the last byte read from it.
        private var last: UInt8 = 0

        /// Adds a byte; one too many is dropped.
        mutating func append(_ byte: UInt8) {
            guard count < Self.capacity else { return }
            bytes[(first &+ count) & 15] = byte
            count &+= 1
        }

        /// Removes the oldest byte; without one, the byte before it once more.
        mutating func removeFirst() -> UInt8 {
            guard count > 0 else { return last }
            last = bytes[first & 15]
            first = (first &+ 1) & 15
            count &-= 1
            return last
        }

        mutating func removeAll() { count = 0 }
    }
}
