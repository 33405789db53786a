import CHost
import ExecutionEngine

/// One hart's IMSIC: the interrupt files of M-mode, of S-mode and of guests (AIA 1.0, chapter "Incoming MSI
/// Controller").
///
/// Any thread may `post`; everything else is the hart's own. What a post changes is atomic and in memory of its own, and
/// no lock is taken: a post that matters asks the hart to look, and the hart finds out what its files now signal. So
/// a signal that the hart sees is never older than what it has done to the file itself.
final class InterruptFiles: @unchecked Sendable {
    /// The supervisor-level file; guest file g is number g.
    static let supervisor = 0
    /// The machine-level file's number.
    var machine: Int { guestFiles &+ 1 }
    /// GEILEN.
    let guestFiles: Int
    let hasMachineFile: Bool
    let identities: UInt64

    private let signals: HartSignals
    /// Pending bits, then enable bits, 64 to a word.
    private let words: Int
    private let fileSize: Int
    private let memory: UnsafeMutableRawPointer

    init(_ setup: IMSICSetup, signals: HartSignals) {
        guestFiles = setup.guestFiles
        hasMachineFile = setup.machineBase != nil
        identities = UInt64(setup.identities)
        words = (setup.identities + 1) / 64
        fileSize = (16 + 16 * words + 63) & ~63
        self.signals = signals
        let size = 64 + (guestFiles + 2) * fileSize
        memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        host_fill(memory, 0, size)
    }

    deinit { memory.deallocate() }

    // The first line: which files a post has changed, the machine-level file apart from the others.
    private var changedFiles: UnsafeMutableRawPointer { memory }
    private var changedMachine: UnsafeMutableRawPointer { memory + 8 }

    // A file: eidelivery, eithreshold, eip, eie.
    private func delivery(_ file: Int) -> UnsafeMutableRawPointer { memory + (64 &+ file &* fileSize) }
    private func threshold(_ file: Int) -> UnsafeMutableRawPointer { delivery(file) + 8 }
    private func pending(_ file: Int, _ word: Int) -> UnsafeMutableRawPointer { delivery(file) + (16 &+ word &* 8) }
    private func enabled(_ file: Int, _ word: Int) -> UnsafeMutableRawPointer { pending(file, word &+ words) }

    /// An MSI's data arrives at a file: makes that identity pending, if there is one. Any thread.
    func post(_ identity: UInt32, to file: Int) {
        let identity = UInt64(identity)
        guard identity >= 1, identity <= identities else { return }
        let word = Int(truncatingIfNeeded: identity &>> 6)
        let bit: UInt64 = 1 &<< (identity & 63)
        if host_atomic_or_64(pending(file, word), bit) & bit != 0 { return }
        // Either this sees what the hart has enabled, or the hart, which looks after it has enabled something, sees the bit.
        guard host_atomic_load_64(delivery(file)) != 0, host_atomic_load_64(enabled(file, word)) & bit != 0,
            isAbove(host_atomic_load_64(threshold(file)), identity)
        else { return }
        if file == machine {
            host_atomic_store_64(changedMachine, 1)
        } else {
            _ = host_atomic_or_64(changedFiles, 1 &<< UInt64(truncatingIfNeeded: file))
        }
        signals.raise(InterruptSet.filesChanged)
    }

    /// Whether an identity is more urgent than a threshold, where 0 is none.
    private func isAbove(_ threshold: UInt64, _ identity: UInt64) -> Bool { threshold == 0 || identity < threshold }

    /// The files that posts have changed since the last time, by number; M-mode's apart.
    func takeChanges() -> (files: UInt64, machine: Bool) {
        (host_atomic_swap_64(changedFiles, 0), host_atomic_swap_64(changedMachine, 0) != 0)
    }

    /// The identity that `*topei` reports; 0 when there is none.
    func top(_ file: Int) -> UInt64 {
        for word in 0..<words {
            let ready = host_atomic_load_64(pending(file, word)) & host_atomic_load_64(enabled(file, word))
            if ready == 0 { continue }
            let identity = UInt64(truncatingIfNeeded: word &* 64 &+ ready.trailingZeroBitCount)
            return isAbove(host_atomic_load_64(threshold(file)), identity) ? identity : 0
        }
        return 0
    }

    /// What `*topei` reports, no longer pending afterwards.
    func claim(_ file: Int) -> UInt64 {
        let identity = top(file)
        if identity != 0 {
            _ = host_atomic_and_64(pending(file, Int(truncatingIfNeeded: identity &>> 6)), ~(1 &<< (identity & 63)))
        }
        return identity
    }

    /// The identity for which the file signals an external interrupt; 0 when it doesn't.
    func signal(_ file: Int) -> UInt64 { host_atomic_load_64(delivery(file)) != 0 ? top(file) : 0 }

    /// Whether RV64 has the register: the odd ones of eip and eie are RV32's.
    static func hasRegister(_ select: UInt64) -> Bool {
        switch select {
        case 0x70...0x7F: true
        case 0x80...0xFF: select & 1 == 0
        default: false
        }
    }

    /// Whether the register holds something: the others are zero.
    func hasState(_ select: UInt64) -> Bool {
        switch select {
        case 0x70, 0x72: true
        case 0x80...0xFF: select & 1 == 0 && Int(truncatingIfNeeded: (select & 0x3F) &>> 1) < words
        default: false
        }
    }

    /// One access to the register that an `*iselect` of 0x70 to 0xFF chooses, a single step as far as posts see. Its
    /// value before.
    func change(_ file: Int, _ select: UInt64, _ change: CSRChange, _ operand: UInt64, writes: Bool) -> UInt64 {
        let place: UnsafeMutableRawPointer
        var mask: UInt64 = ~0
        switch select {
        case 0x70:
            // Nothing but the file itself delivers here, so that 0 and 1 are all the values there are.
            place = delivery(file)
            mask = 1
        case 0x72:
            place = threshold(file)
            mask = ~0 &>> UInt64(truncatingIfNeeded: identities.leadingZeroBitCount)
        case 0x80...0xFF where select & 1 == 0:
            let word = Int(truncatingIfNeeded: (select & 0x3F) &>> 1)
            if word >= words { return 0 }
            place = select < 0xC0 ? pending(file, word) : enabled(file, word)
            if word == 0 { mask = ~1 }
        default: return 0
        }
        guard writes else { return host_atomic_load_64(place) }
        switch change {
        case .write: return host_atomic_swap_64(place, operand & mask)
        case .set: return host_atomic_or_64(place, operand & mask)
        case .clear: return host_atomic_and_64(place, ~operand)
        }
    }

    /// All files as after power-on: nothing pending, enabled or delivered.
    func reset() {
        for file in 0..<(guestFiles &+ 2) {
            for offset in stride(from: 0, to: fileSize, by: 8) { host_atomic_store_64(delivery(file) + offset, 0) }
        }
        _ = takeChanges()
    }
}
