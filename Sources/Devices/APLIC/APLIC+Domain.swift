extension APLIC {
    /// An interrupt domain; to the guest its memory-mapped control region, of 16 KiB and 32 bytes for each hart.
    package final class Domain: MMIODevice, @unchecked Sendable {
        /// What direct delivery has for each hart index: the IDC structure (AIA 1.0, section 4.8.1), and the wire.
        struct HartControl {
            let wire: any InterruptLine
            /// Active sources whose target this hart is.
            var targeted = Bits128()
            /// idelivery, iforce, ithreshold.
            var delivers = false
            var isForced = false
            var threshold: UInt32 = 0
            /// The level on the wire.
            var isSignaled = false
        }

        package let level: Level
        let shared: Shared
        /// The domain that sources are delegated to.
        let child: Domain?
        /// Receives the MSIs; nil in direct delivery mode.
        let receiver: (any MessageReceiver)?
        /// Bits of target registers that hold what is written.
        let targetMask: UInt32

        // Guarded by `shared.lock`.

        /// domaincfg.IE.
        var isEnabled = false
        /// Sources that exist here: all in the root, those delegated in a child.
        var implemented = Bits128()
        /// Sources delegated to the child.
        var delegated = Bits128()
        /// By source id: SM. Inactive where it isn't ours.
        var modes = [SourceMode](repeating: .inactive, count: APLIC.sourceCount + 1)
        /// By source id.
        var targets = [UInt32](repeating: 0, count: APLIC.sourceCount + 1)
        var active = Bits128()
        var pending = Bits128()
        var enabled = Bits128()
        /// Active sources that heed their wires, and those of them for which low is high.
        var wired = Bits128()
        var inverted = Bits128()
        /// genmsi.
        var extempore: UInt32 = 0
        /// By hart index; empty in MSI delivery mode.
        var harts: [HartControl]

        init(_ level: Level, _ delivery: Delivery, _ shared: Shared, child: Domain?, guestIndexBits: Int) {
            self.level = level
            self.shared = shared
            self.child = child
            switch delivery {
            case .direct(let wires):
                receiver = nil
                harts = wires.map { HartControl(wire: $0) }
                // Hart Index, IPRIO.
                targetMask = 0xFFFC_00FF
            case .messages(let receiver):
                self.receiver = receiver
                harts = []
                // Hart Index, Guest Index, EIID.
                let guests: UInt32 = guestIndexBits > 0 && guestIndexBits <= 6 ? (1 << UInt32(guestIndexBits)) - 1 : 0
                targetMask = 0xFFFC_07FF | guests << 12
            }
        }

        /// Whether the domain is in MSI delivery mode.
        var sendsMessages: Bool { receiver != nil }

        /// Rectified input values: those of detached and inactive sources are 0 (AIA 1.0, section 4.5.2).
        var rectified: Bits128 { shared.levels.all.symmetricDifference(inverted).intersection(wired) }

        /// To the state at power-on, with no source implemented. With the lock held.
        func reset() {
            isEnabled = false
            implemented = Bits128()
            delegated = Bits128()
            for source in modes.indices {
                modes[source] = .inactive
                targets[source] = 0
            }
            (active, pending, enabled, wired, inverted) = (Bits128(), Bits128(), Bits128(), Bits128(), Bits128())
            extempore = 0
            for hart in harts.indices {
                harts[hart].targeted = Bits128()
                (harts[hart].delivers, harts[hart].isForced, harts[hart].threshold) = (false, false, 0)
                refresh(hart)
            }
        }
    }
}
