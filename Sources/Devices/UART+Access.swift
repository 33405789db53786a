extension UART16550 {
    /// Reads one 8-bit register. A wider access reaches the register at its offset and no other, as on QEMU's
    /// board: spreading it over the neighbours would pop the FIFO and acknowledge interrupts along the way.
    package func read(offset: UInt64, width: Int) -> UInt64 {
        var waiting: (any UARTInputObserver)?
        let value: UInt8 = lock.withLock {
            let value = readRegister(offset)
            updateLine()
            waiting = takeWaitingObserver()
            return value
        }
        waiting?.roomAvailable()
        return UInt64(value)
    }

    /// Writes the low byte of `value` to one 8-bit register.
    package func write(offset: UInt64, width: Int, value: UInt64) {
        let waiting = lock.withLock {
            writeRegister(offset, UInt8(truncatingIfNeeded: value))
            updateLine()
            return takeWaitingObserver()
        }
        waiting?.roomAvailable()
    }

    /// INTR follows IIR.
    func updateLine() { line.set(state.interrupt != .none) }

    private func readRegister(_ offset: UInt64) -> UInt8 {
        switch offset {
        case Register.data:
            return state.isDivisorLatchOpen
                ? UInt8(truncatingIfNeeded: state.divisor) : state.received.removeFirst()
        case Register.interruptEnable:
            return state.isDivisorLatchOpen
                ? UInt8(truncatingIfNeeded: state.divisor >> 8) : state.interruptEnable.rawValue
        case Register.interruptIdentAndFIFOControl:
            let interrupt = state.interrupt
            if interrupt == .transmitterEmpty { state.isTransmitInterruptPending = false }
            return interrupt.rawValue | (state.isFIFOEnabled ? 0xC0 : 0)
        case Register.lineControl:
            return state.lineControl
        case Register.modemControl:
            return state.modemControl.rawValue
        case Register.lineStatus:
            return readLineStatus().rawValue
        case Register.modemStatus:
            let status = state.modemInputs.union(state.modemDelta)
            state.modemDelta = []
            return status.rawValue
        case Register.scratch:
            return state.scratch
        default:
            return 0
        }
    }

    private func readLineStatus() -> LineStatus {
        var status: LineStatus = [.transmitterHoldingEmpty, .transmitterEmpty]
        if state.received.count > 0 {
            status.insert(.dataReady)
        } else if state.fruitlessPolls < State.pollsBeforeListening {
            state.fruitlessPolls &+= 1
        }
        if state.hasOverrun { status.insert(.overrun) }
        state.hasOverrun = false
        return status
    }

    private func writeRegister(_ offset: UInt64, _ value: UInt8) {
        switch offset {
        case Register.data:
            if state.isDivisorLatchOpen {
                state.divisor = state.divisor & 0xFF00 | UInt16(value)
            } else {
                transmit(value)
            }
        case Register.interruptEnable:
            if state.isDivisorLatchOpen {
                state.divisor = state.divisor & 0x00FF | UInt16(value) << 8
            } else {
                enableInterrupts(InterruptEnable(rawValue: value & 0x0F))
            }
        case Register.interruptIdentAndFIFOControl:
            controlFIFO(FIFOControl(rawValue: value))
        case Register.lineControl:
            state.lineControl = value
        case Register.modemControl:
            controlModem(ModemControl(rawValue: value & 0x1F))
        case Register.scratch:
            state.scratch = value
        default:
            // LSR is for factory tests when written, MSR reflects inputs.
            break
        }
    }

    /// The byte leaves at once. Loading THR withdraws the THRE interrupt, and its becoming empty again asserts it
    /// anew; nothing can be seen between the two.
    private func transmit(_ byte: UInt8) {
        state.isTransmitInterruptPending = true
        state.fruitlessPolls = 0
        if state.isLoopback {
            loopBack(byte)
        } else {
            withUnsafeBytes(of: byte) { sink.write($0) }
        }
    }

    /// A full FIFO keeps what it has and loses the new byte; the single buffer register is overwritten
    /// (datasheet 8.5, bit 1).
    private func loopBack(_ byte: UInt8) {
        if state.received.count >= state.receiveCapacity {
            state.hasOverrun = true
            if state.isFIFOEnabled { return }
            state.received.removeAll()
        }
        state.received.append(byte)
    }

    private func enableInterrupts(_ new: InterruptEnable) {
        let old = state.interruptEnable
        state.interruptEnable = new
        // Only a change counts: enabling asserts, as the transmitter is empty, and writing the same value again
        // doesn't bring back what IIR has acknowledged.
        if new.contains(.transmitterEmpty) != old.contains(.transmitterEmpty) {
            state.isTransmitInterruptPending = new.contains(.transmitterEmpty)
        }
    }

    private func controlFIFO(_ control: FIFOControl) {
        let isEnabled = control.contains(.enable)
        // Switching between the modes clears the FIFO; the other bits only count together with the enable bit. But what
        // the buffer register holds goes into a FIFO that is switched on: Linux enables the receive interrupt before the
        // FIFO, with interrupts off, and a line that was typed early would lose its first byte in between.
        let resets = isEnabled ? control.contains(.resetReceiver) : state.isFIFOEnabled
        if resets { state.received.removeAll() }
        if resets || isEnabled != state.isFIFOEnabled { state.fruitlessPolls = 0 }
        state.isFIFOEnabled = isEnabled
        if isEnabled { state.trigger = control.trigger }
    }

    private func controlModem(_ control: ModemControl) {
        let old = state.modemInputs
        state.modemControl = control
        let new = state.modemInputs
        let changed = old.symmetricDifference(new)
        if changed.contains(.clearToSend) { state.modemDelta.insert(.deltaClearToSend) }
        if changed.contains(.dataSetReady) { state.modemDelta.insert(.deltaDataSetReady) }
        if changed.contains(.carrierDetect) { state.modemDelta.insert(.deltaCarrierDetect) }
        // TERI marks the end of ringing only.
        if changed.contains(.ringIndicator), !new.contains(.ringIndicator) {
            state.modemDelta.insert(.trailingEdgeRing)
        }
    }
}
