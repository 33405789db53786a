/// The advanced platform-level interrupt controller (`riscv,aplic`; Advanced Interrupt Architecture 1.0, chapter 4):
/// 96 sources and one or two interrupt domains.
///
/// With M-mode the root domain is at machine level and has the supervisor level's for its child; without M-mode
/// the supervisor level's is alone, and looks no different to its software. In direct delivery mode the APLIC
/// drives the harts' external interrupts, as the PLIC does; in MSI delivery mode it sends messages to their IMSICs.
///
/// Sets of sources are bit sets, and a change looks only at the harts it concerns.
package final class APLIC: Sendable {
    /// Sources have ids 1 to `sourceCount`; id 0 means none.
    package static let sourceCount = 96

    /// The level at which a domain interrupts its harts.
    package enum Level: Sendable {
        case machine, supervisor
    }

    /// How a domain's interrupts reach harts. The machine decides: domaincfg.DM reads the one value.
    package enum Delivery: Sendable {
        /// Direct delivery mode: `wires[h]` is the external interrupt, at the domain's level, of the hart with
        /// index h.
        case direct(wires: [any InterruptLine])
        /// MSI delivery mode.
        case messages(to: any MessageReceiver)
    }

    /// Root first; the second is the first one's child.
    package let domains: [Domain]
    private let shared: Shared

    /// `machine` is nil without M-mode; then MSIs go where `addresses` says. With M-mode that is what the
    /// registers hold at reset.
    package init(
        machine: Delivery?, supervisor: Delivery, addresses: MessageAddresses = MessageAddresses(), guestIndexBits: Int = 0
    ) {
        let shared = Shared(addresses)
        let lower = Domain(.supervisor, supervisor, shared, child: nil, guestIndexBits: guestIndexBits)
        self.shared = shared
        domains = machine.map { [Domain(.machine, $0, shared, child: lower, guestIndexBits: 0), lower] } ?? [lower]
        reset()
    }

    /// The line into source `source`, or nil unless it is 1 to 96.
    package func line(source: Int) -> (any InterruptLine)? {
        guard source >= 1, source <= Self.sourceCount, let root = domains.first else { return nil }
        return SourceLine(root: root, source: source)
    }

    /// Returns to the state at power-on: every source is the root's, and inactive. Levels are the devices' and stay.
    package func reset() {
        shared.lock.withLock {
            shared.addresses = shared.initialAddresses
            for domain in domains { domain.reset() }
            for source in 1...Self.sourceCount { domains.first?.implemented.insert(source) }
        }
    }

    /// A device's end of a source.
    private final class SourceLine: InterruptLine {
        private let root: Domain
        private let source: Int

        init(root: Domain, source: Int) {
            self.root = root
            self.source = source
        }

        func set(_ level: Bool) { root.setLevel(source, level) }
    }

    /// What all domains have in common.
    final class Shared: @unchecked Sendable {
        /// Guards everything of every domain.
        let lock = Lock()
        /// The sources' levels. Changed with the lock held.
        let levels = SourceLevels()
        let initialAddresses: MessageAddresses
        var addresses: MessageAddresses

        init(_ addresses: MessageAddresses) {
            initialAddresses = addresses
            self.addresses = addresses
        }
    }
}

/// Where an APLIC's MSIs go.
package protocol MessageReceiver: AnyObject, Sendable {
    /// Stores `data` at `address`, little-endian. Nothing happens when no interrupt file is there. Called with the
    /// APLIC's lock held.
    func send(address: UInt64, data: UInt32)
}
