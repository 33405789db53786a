import CHost
import RISCV

/// What the G-stage said lately, page by page, for the guest whose hgatp is in force: a walk of the VS-stage asks it
/// for each of its tables, and would otherwise walk the G-stage as often.
///
/// An entry is a guest physical page with the kinds of access that were permitted, and the physical page. Kinds are
/// added one by one, when the G-stage has permitted them and A and D are set for them.
struct GuestStageCache {
    private static let entries = 1024
    private static let size = entries * 16
    private let memory: UnsafeMutableRawPointer
    /// hgatp of the entries.
    private var owner: UInt64 = 0
    private var isEmpty = false

    init?() {
        var error: Int32 = 0
        guard let memory = host_memory_reserve(Self.size, 4096, &error) else { return nil }
        self.memory = memory
        empty()
    }

    func release() { host_memory_release(memory, Self.size) }

    private static func kind(_ access: Access) -> UInt64 {
        switch access {
        case .load: 1
        case .store: 2
        case .fetch, .loadOfCode: 4
        }
    }

    private func entry(_ page: UInt64) -> UnsafeMutableRawPointer {
        memory + Int(truncatingIfNeeded: page &>> 8) & ((Self.entries - 1) << 4)
    }

    /// The physical address, if it is known that the G-stage permits the access.
    mutating func find(_ address: UInt64, _ access: Access, hgatp: UInt64) -> UInt64? {
        if owner != hgatp {
            empty()
            owner = hgatp
            return nil
        }
        let entry = entry(address & ~0xFFF)
        let tag = entry.load(as: UInt64.self)
        guard (tag ^ address) &>> 12 == 0, tag & Self.kind(access) != 0 else { return nil }
        return entry.load(fromByteOffset: 8, as: UInt64.self) | address & 0xFFF
    }

    /// After `find` with the same hgatp.
    mutating func insert(_ address: UInt64, _ access: Access, physical: UInt64) {
        isEmpty = false
        let page = address & ~0xFFF
        let entry = entry(page)
        let tag = entry.load(as: UInt64.self)
        let known = (tag ^ page) &>> 12 == 0 ? tag & 7 : 0
        entry.storeBytes(of: page | known | Self.kind(access), as: UInt64.self)
        entry.storeBytes(of: physical & ~0xFFF, toByteOffset: 8, as: UInt64.self)
    }

    /// No kind of access: a tag that nothing matches.
    mutating func empty() {
        if isEmpty { return }
        host_fill(memory, 0, Self.size)
        isEmpty = true
    }
}
