extension UART16550 {
    /// Offsets of the registers (datasheet, table II). 0 and 1 are the divisor latch while LCR bit 7 is set.
    enum Register {
        /// RBR when read, THR when written.
        static let data: UInt64 = 0
        static let interruptEnable: UInt64 = 1
        /// IIR when read, FCR when written.
        static let interruptIdentAndFIFOControl: UInt64 = 2
        static let lineControl: UInt64 = 3
        static let modemControl: UInt64 = 4
        static let lineStatus: UInt64 = 5
        static let modemStatus: UInt64 = 6
        static let scratch: UInt64 = 7
    }

    /// IER (datasheet 8.6). The upper half of the register reads 0.
    struct InterruptEnable: OptionSet {
        let rawValue: UInt8
        static let receivedData = Self(rawValue: 1)
        static let transmitterEmpty = Self(rawValue: 2)
        static let lineStatus = Self(rawValue: 4)
        static let modemStatus = Self(rawValue: 8)
    }

    /// IIR bits 3 to 0 (datasheet, table IV).
    enum Interrupt: UInt8 {
        case none = 0x1
        case lineStatus = 0x6
        case receivedData = 0x4
        case timeout = 0xC
        case transmitterEmpty = 0x2
        case modemStatus = 0x0
    }

    /// FCR (datasheet 8.4). Bits 7 and 6 are the receive trigger level.
    struct FIFOControl: OptionSet {
        let rawValue: UInt8
        static let enable = Self(rawValue: 1)
        static let resetReceiver = Self(rawValue: 2)

        /// Bytes: 1, 4, 8 or 14.
        var trigger: Int {
            switch rawValue >> 6 {
            case 0: 1
            case 1: 4
            case 2: 8
            default: 14
            }
        }
    }

    /// MCR (datasheet 8.7). Bits 7 to 5 read 0.
    struct ModemControl: OptionSet {
        let rawValue: UInt8
        static let dataTerminalReady = Self(rawValue: 0x01)
        static let requestToSend = Self(rawValue: 0x02)
        static let out1 = Self(rawValue: 0x04)
        static let out2 = Self(rawValue: 0x08)
        static let loopback = Self(rawValue: 0x10)
    }

    /// LSR (datasheet 8.5).
    struct LineStatus: OptionSet {
        let rawValue: UInt8
        static let dataReady = Self(rawValue: 0x01)
        static let overrun = Self(rawValue: 0x02)
        static let transmitterHoldingEmpty = Self(rawValue: 0x20)
        static let transmitterEmpty = Self(rawValue: 0x40)
    }

    /// MSR (datasheet 8.8): inputs in the upper half, their changes in the lower one.
    struct ModemStatus: OptionSet {
        let rawValue: UInt8
        static let deltaClearToSend = Self(rawValue: 0x01)
        static let deltaDataSetReady = Self(rawValue: 0x02)
        static let trailingEdgeRing = Self(rawValue: 0x04)
        static let deltaCarrierDetect = Self(rawValue: 0x08)
        static let clearToSend = Self(rawValue: 0x10)
        static let dataSetReady = Self(rawValue: 0x20)
        static let ringIndicator = Self(rawValue: 0x40)
        static let carrierDetect = Self(rawValue: 0x80)
    }
}
