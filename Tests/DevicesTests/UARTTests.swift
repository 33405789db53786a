import Devices
import Testing

/// A port with everything around it. Register numbers and bits below are the PC16550D datasheet's.
final class Port {
    let line = FakeLine()
    let sink = FakeSink()
    let uart: UART16550
    init() { uart = UART16550(line: line, sink: sink) }

    subscript(register: UInt64) -> UInt8 {
        get { UInt8(truncatingIfNeeded: uart.read(offset: register, width: 1)) }
        set { uart.write(offset: register, width: 1, value: UInt64(newValue)) }
    }

    func receive(_ bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { uart.receive($0) } }

    /// FIFO on with the given trigger code, receive interrupt on.
    func listen(trigger: UInt8 = 0) {
        self[FCR] = 0x01 | trigger << 6
        self[IER] = 0x01
    }
}

let RBR: UInt64 = 0, THR: UInt64 = 0, DLL: UInt64 = 0
let IER: UInt64 = 1, DLM: UInt64 = 1
let IIR: UInt64 = 2, FCR: UInt64 = 2
let LCR: UInt64 = 3, MCR: UInt64 = 4, LSR: UInt64 = 5, MSR: UInt64 = 6, SCR: UInt64 = 7

@Suite struct UARTRegisterTests {
    @Test func resetState() {
        let port = Port()
        #expect(port[IER] == 0)
        #expect(port[IIR] == 0x01)
        #expect(port[LCR] == 0)
        #expect(port[MCR] == 0)
        #expect(port[LSR] == 0x60)
        #expect(port[MSR] == 0xB0, "carrier, DSR and CTS of an attached terminal, nothing changed")
        #expect(port.line.level == false)
    }

    @Test func writableBits() {
        let port = Port()
        for pattern: UInt8 in [0x55, 0xAA, 0xFF, 0x00] {
            port[SCR] = pattern
            #expect(port[SCR] == pattern)
            port[IER] = pattern
            #expect(port[IER] == pattern & 0x0F)
            port[MCR] = pattern
            #expect(port[MCR] == pattern & 0x1F)
            port[LCR] = pattern
            #expect(port[LCR] == pattern)
            port[LCR] = 0
        }
        port[LSR] = 0xFF
        #expect(port[LSR] == 0x60, "LSR can't be written")
        _ = port[MSR]
        port[MSR] = 0xFF
        #expect(port[MSR] == 0xB0, "nor can MSR")
    }

    @Test func divisorLatch() {
        let port = Port()
        port[LCR] = 0x83
        port[DLL] = 0x34
        port[DLM] = 0x12
        #expect(port[DLL] == 0x34)
        #expect(port[DLM] == 0x12)
        port[LCR] = 0x03
        #expect(port[IER] == 0, "DLM isn't IER")
        #expect(port.sink.bytes.isEmpty, "DLL isn't THR")
        port[IER] = 0x05
        port[THR] = 0x41
        port[LCR] = 0x83
        #expect(port[DLL] == 0x34)
        #expect(port[DLM] == 0x12)
        #expect(port.sink.bytes == [0x41])
    }

    @Test func divisorLatchReadDoesNotPopTheFIFO() {
        let port = Port()
        port.listen()
        #expect(port.receive([0x77]) == 1)
        port[LCR] = 0x80
        #expect(port[DLL] != 0x77)
        port[LCR] = 0
        #expect(port[LSR] & 1 == 1)
        #expect(port[RBR] == 0x77)
    }

    @Test func transmits() {
        let port = Port()
        for byte in Array("Hello\n".utf8) {
            #expect(port[LSR] & 0x60 == 0x60)
            port[THR] = byte
        }
        #expect(port.sink.text == "Hello\n")
    }

    @Test func wideAccessReachesOneRegister() {
        let port = Port()
        port.uart.write(offset: THR, width: 4, value: 0x1234_5641)
        port.uart.write(offset: SCR, width: 8, value: 0xFFFF_FFFF_FFFF_FF5A)
        #expect(port.sink.bytes == [0x41])
        #expect(port[IER] == 0)
        #expect(port[LCR] == 0)
        #expect(port.uart.read(offset: SCR, width: 8) == 0x5A)
        #expect(port.uart.read(offset: LSR, width: 2) == 0x60)
    }

    @Test func beyondTheRegisters() {
        let port = Port()
        for offset: UInt64 in [8, 9, 0xFF, 0x100, ~0] {
            port.uart.write(offset: offset, width: 1, value: 0x41)
            #expect(port.uart.read(offset: offset, width: 1) == 0)
        }
        #expect(port.sink.bytes.isEmpty)
    }

    @Test func fifoModeShowsInIIR() {
        let port = Port()
        #expect(port[IIR] & 0xC0 == 0)
        port[FCR] = 0x01
        #expect(port[IIR] == 0xC1)
        port[FCR] = 0x00
        #expect(port[IIR] == 0x01)
        port[FCR] = 0xC6
        #expect(port[IIR] == 0x01, "other FCR bits count only with bit 0")
    }

    @Test func resetReturnsToPowerOn() {
        let port = Port()
        port.listen()
        port[LCR] = 0x03
        port[SCR] = 9
        port[IER] = 0x0F
        _ = port.receive([1, 2])
        port.uart.reset()
        #expect(port.line.level == false)
        #expect([port[IER], port[IIR], port[LCR], port[LSR], port[SCR]] == [0, 1, 0, 0x60, 0])
    }
}

@Suite struct UARTTransmitInterruptTests {
    @Test func enablingWithEmptyTransmitterRaises() {
        let port = Port()
        port[IER] = 0x02
        #expect(port.line.level)
        #expect(port[IIR] == 0x02)
    }

    @Test func readingIIRClears() {
        let port = Port()
        port[IER] = 0x02
        #expect(port[IIR] == 0x02)
        #expect(port.line.level == false)
        #expect(port[IIR] == 0x01)
    }

    @Test func readingIIRForAnotherSourceKeeps() {
        let port = Port()
        port.listen()
        port[IER] = 0x03
        _ = port.receive([1])
        #expect(port[IIR] == 0xC4, "received data comes first")
        #expect(port[IIR] == 0xC4)
        _ = port[RBR]
        #expect(port[IIR] == 0xC2, "the THRE interrupt is still there")
        #expect(port[IIR] == 0xC1)
    }

    @Test func writingTHRRaisesAgain() {
        let port = Port()
        port[IER] = 0x02
        _ = port[IIR]
        port[THR] = 0x41
        #expect(port.line.level)
        #expect(port[IIR] == 0x02)
        #expect(port[IIR] == 0x01)
    }

    @Test func writingSameEnableDoesNotRaise() {
        let port = Port()
        port[IER] = 0x02
        _ = port[IIR]
        port[IER] = 0x02
        #expect(port[IIR] == 0x01)
        port[IER] = 0x03
        #expect(port[IIR] == 0x01, "another bit changed, not this one")
    }

    @Test func disablingClearsAndEnablingRaisesAnew() {
        let port = Port()
        port[IER] = 0x02
        port[IER] = 0x00
        #expect(port.line.level == false)
        #expect(port[IIR] == 0x01)
        port[IER] = 0x02
        #expect(port[IIR] == 0x02)
    }

    @Test func transmittedWhileDisabledIsQuiet() {
        let port = Port()
        port[THR] = 0x41
        #expect(port[IIR] == 0x01)
        #expect(port.line.edges.isEmpty)
    }

    /// Linux's serial8250 start-up tests for a UART that doesn't re-assert THRE (UART_BUG_THRE) and one whose
    /// enabling doesn't raise it (UART_BUG_TXEN).
    @Test func linuxStartUpProbes() {
        let port = Port()
        port[IER] = 0x02
        let first = port[IIR]
        port[IER] = 0x00
        port[IER] = 0x02
        let second = port[IIR]
        port[IER] = 0x00
        #expect(first & 1 == 0)
        #expect(second & 1 == 0)
        port[IER] = 0x02
        #expect(port[LSR] & 0x40 != 0)
        #expect(port[IIR] & 1 == 0)
    }
}

@Suite struct UARTReceiveTests {
    @Test func dataInOrder() {
        let port = Port()
        port.listen()
        #expect(port.receive([1, 2, 3]) == 3)
        for expected: UInt8 in [1, 2, 3] {
            #expect(port[LSR] == 0x61)
            #expect(port[RBR] == expected)
        }
        #expect(port[LSR] == 0x60)
    }

    @Test func fifoWrapsAround() {
        let port = Port()
        port.listen()
        var next: UInt8 = 0, expected: UInt8 = 0
        for round in 0..<50 {
            let count = 1 + round % 16
            let bytes = (0..<count).map { next &+ UInt8($0) }
            #expect(port.receive(bytes) == count)
            next &+= UInt8(count)
            for _ in 0..<count {
                #expect(port[RBR] == expected)
                expected &+= 1
            }
        }
    }

    @Test(arguments: [(UInt8(0), 1), (1, 4), (2, 8), (3, 14)])
    func triggerLevels(code: UInt8, level: Int) {
        let port = Port()
        port.listen(trigger: code)
        for count in 1...16 {
            #expect(port.receive([UInt8(count)]) == 1)
            #expect(port.line.level)
            #expect(port[IIR] == (count >= level ? 0xC4 : 0xCC), "\(count) bytes, trigger \(level)")
        }
        for count in stride(from: 16, to: 0, by: -1) {
            #expect(port[IIR] == (count >= level ? 0xC4 : 0xCC))
            _ = port[RBR]
        }
        #expect(port[IIR] == 0xC1)
        #expect(port.line.level == false)
    }

    @Test func interruptOnlyWhenEnabled() {
        let port = Port()
        port.listen()
        _ = port.receive([1])
        #expect(port.line.level)
        port[IER] = 0
        #expect(port.line.level == false)
        #expect(port[IIR] == 0xC1)
        #expect(port[LSR] & 1 == 1)
        port[IER] = 1
        #expect(port.line.level)
        #expect(port.line.edges == [true, false, true])
    }

    @Test func characterMode() {
        let port = Port()
        port[IER] = 0x01
        #expect(port.receive([1, 2]) == 1)
        #expect(port[IIR] == 0x04)
        #expect(port[RBR] == 1)
        #expect(port[IIR] == 0x01)
        #expect(port.receive([2]) == 1)
        #expect(port[RBR] == 2)
    }

    @Test func receiverReset() {
        let port = Port()
        port.listen(trigger: 2)
        _ = port.receive([1, 2, 3])
        port[FCR] = 0x83 // enable, receiver reset, same trigger
        #expect(port[LSR] == 0x60)
        #expect(port[IIR] == 0xC1)
        #expect(port.line.level == false)
        #expect(port.receive([9]) == 1)
        #expect(port[RBR] == 9)
        _ = port.receive([5])
        port[FCR] = 0x85 // transmitter reset leaves the receiver alone
        #expect(port[RBR] == 5)
    }

    @Test func leavingFIFOModeClears() {
        let port = Port()
        port.listen()
        _ = port.receive([1, 2, 3])
        port[FCR] = 0x01
        #expect(port[LSR] & 1 == 1, "the same mode again keeps the data")
        port[FCR] = 0x00
        #expect(port[LSR] & 1 == 0)
    }
}

@Suite struct UARTLoopbackTests {
    /// Linux's autoconfig: RTS and OUT2 set must come back as CTS and DCD.
    @Test func modemLines() {
        let port = Port()
        let pairs: [(UInt8, UInt8)] = [(0x02, 0x10), (0x01, 0x20), (0x04, 0x40), (0x08, 0x80), (0x0A, 0x90), (0x00, 0x00), (0x0F, 0xF0)]
        for (outputs, inputs) in pairs {
            port[MCR] = 0x10 | outputs
            #expect(port[MSR] & 0xF0 == inputs)
        }
        port[MCR] = 0x0A
        #expect(port[MSR] & 0xF0 == 0xB0)
    }

    @Test func modemChanges() {
        let port = Port()
        port[MCR] = 0x10
        _ = port[MSR]
        #expect(port[MSR] & 0x0F == 0, "reading clears")
        port[MCR] = 0x12
        #expect(port[MSR] & 0x0F == 0x01)
        port[MCR] = 0x13
        #expect(port[MSR] & 0x0F == 0x02)
        port[MCR] = 0x1B
        #expect(port[MSR] & 0x0F == 0x08)
        port[MCR] = 0x1F
        #expect(port[MSR] & 0x0F == 0, "TERI marks the trailing edge only")
        port[MCR] = 0x1B
        #expect(port[MSR] & 0x0F == 0x04)
    }

    @Test func modemInterrupt() {
        let port = Port()
        port[MCR] = 0x10
        _ = port[MSR]
        port[IER] = 0x08
        #expect(port[IIR] == 0x01)
        port[MCR] = 0x12
        #expect(port[IIR] == 0x00)
        #expect(port.line.level)
        #expect(port[IIR] == 0x00, "reading IIR doesn't clear it")
        _ = port[MSR]
        #expect(port.line.level == false)
        #expect(port[IIR] == 0x01)
    }

    @Test func dataComesBackAndStaysInside() {
        let port = Port()
        port[FCR] = 0x01
        port[MCR] = 0x10
        for byte: UInt8 in [0x00, 0x55, 0xFF] { port[THR] = byte }
        #expect(port.sink.bytes.isEmpty)
        #expect([port[RBR], port[RBR], port[RBR]] == [0x00, 0x55, 0xFF])
        port[MCR] = 0
        port[THR] = 0x42
        #expect(port.sink.bytes == [0x42])
        #expect(port[LSR] & 1 == 0)
    }

    @Test func interruptsWork() {
        let port = Port()
        port[IER] = 0x03
        _ = port[IIR]
        port[MCR] = 0x10
        port[THR] = 0x33
        #expect(port[IIR] == 0x04)
        #expect(port[RBR] == 0x33)
        #expect(port[IIR] == 0x02)
    }

    @Test func lineIsDisconnected() {
        let port = Port()
        port.listen()
        port[MCR] = 0x10
        #expect(port.receive([1]) == 0)
        port[MCR] = 0
        #expect(port.receive([1]) == 1)
    }

    @Test func fifoOverrunKeepsTheOld() {
        let port = Port()
        port[FCR] = 0x01
        port[MCR] = 0x10
        port[IER] = 0x04
        for byte: UInt8 in 1...16 { port[THR] = byte }
        #expect(port[LSR] & 0x02 == 0)
        port[THR] = 17
        #expect(port.line.level)
        #expect(port[IIR] == 0xC6)
        #expect(port[LSR] & 0x03 == 0x03)
        #expect(port[LSR] & 0x02 == 0, "reading LSR clears it")
        #expect(port[IIR] == 0xC1)
        #expect((1...16).map { _ in port[RBR] } == Array(1...16))
        #expect(port[LSR] & 0x01 == 0)
    }

    @Test func bufferOverrunKeepsTheNew() {
        let port = Port()
        port[MCR] = 0x10
        port[THR] = 1
        port[THR] = 2
        #expect(port[LSR] & 0x03 == 0x03)
        #expect(port[RBR] == 2)
        #expect(port[LSR] & 0x03 == 0)
    }

    @Test func priorities() {
        let port = Port()
        port[FCR] = 0x01
        port[MCR] = 0x10
        _ = port[MSR]
        port[IER] = 0x0F
        for byte: UInt8 in 1...17 { port[THR] = byte }
        port[MCR] = 0x11
        #expect(port[IIR] == 0xC6, "line status")
        _ = port[LSR]
        #expect(port[IIR] == 0xC4, "received data")
        for _ in 1...16 { _ = port[RBR] }
        #expect(port[IIR] == 0xC2, "transmitter empty, cleared by this")
        #expect(port[IIR] == 0xC0, "modem status")
        _ = port[MSR]
        #expect(port[IIR] == 0xC1)
        #expect(port.line.level == false)
    }
}
