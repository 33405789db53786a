extension APLIC {
    /// What MSI addresses are made of (AIA 1.0, section 4.9.1), in the form of the registers mmsiaddrcfg,
    /// mmsiaddrcfgh, smsiaddrcfg and smsiaddrcfgh, which only a machine-level root domain shows.
    package struct MessageAddresses: Equatable, Sendable {
        private(set) var machineLow: UInt32 = 0
        private(set) var machineHigh: UInt32 = 0
        private(set) var supervisorLow: UInt32 = 0
        private(set) var supervisorHigh: UInt32 = 0

        /// mmsiaddrcfgh.L: no register changes any more before a reset.
        private static let lock: UInt32 = 1 << 31
        /// L, HHXS, LHXS, HHXW, LHXW, High Base PPN.
        private static let machineHighMask: UInt32 = 0x9F77_FFFF
        /// LHXS, High Base PPN.
        private static let supervisorHighMask: UInt32 = 0x0070_0FFF

        /// All zero, as at power-on.
        package init() {}

        /// For supervisor-level files alone: hart index h's is at `base` + h × 2^`strideBits`. Of a hart index the
        /// low `hartIndexBits` count, and `base` is a multiple of what so many harts' files span.
        package init(supervisorBase base: UInt64, strideBits: Int, hartIndexBits: Int) {
            machineHigh = (UInt32(truncatingIfNeeded: hartIndexBits) & 0xF) &<< 12
            supervisorLow = UInt32(truncatingIfNeeded: base &>> 12)
            supervisorHigh = UInt32(truncatingIfNeeded: base &>> 44) & 0xFFF
                | (UInt32(truncatingIfNeeded: max(strideBits, 12) &- 12) & 7) &<< 20
        }

        private var isLocked: Bool { machineHigh & Self.lock != 0 }

        /// The register at 0x1BC0 + 4 × `index`.
        func read(_ index: Int) -> UInt32 {
            switch index {
            case 0: machineLow
            case 1: machineHigh
            case 2: supervisorLow
            case 3: supervisorHigh
            default: 0
            }
        }

        mutating func write(_ index: Int, _ value: UInt32) {
            guard !isLocked else { return }
            switch index {
            case 0: machineLow = value
            case 1: machineHigh = value & Self.machineHighMask
            case 2: supervisorLow = value
            case 3: supervisorHigh = value & Self.supervisorHighMask
            default: break
            }
        }

        /// Where an MSI for the hart with index `hart` goes. `guest` is 0 but at supervisor level.
        package func address(_ level: Level, hart: UInt32, guest: UInt32) -> UInt64 {
            let low = level == .machine ? machineLow : supervisorLow
            let high = level == .machine ? machineHigh : supervisorHigh
            let base = UInt64(high & 0xFFF) &<< 32 | UInt64(low)
            // Widths and HHXS are the machine level's for both.
            let highShift = UInt64(machineHigh &>> 24 & 0x1F)
            let highWidth = machineHigh &>> 16 & 7
            let lowWidth = machineHigh &>> 12 & 0xF
            let lowShift = UInt64(high &>> 20 & 7)
            let group = UInt64(hart &>> lowWidth & (1 &<< highWidth &- 1))
            let member = UInt64(hart & (1 &<< lowWidth &- 1))
            return (base | group &<< (highShift &+ 12) | member &<< lowShift | UInt64(guest)) &<< 12
        }
    }
}
