import CHost

// Loads and stores. The fast path is a hit in the soft TLB: the tag comparison also fails for an access that isn't
// naturally aligned, which leaves page crossings and misaligned accesses to the slow path. isagen makes the
// handlers; what a load does with its bytes stands below.

/// A direct-mapped TLB of one translation regime: a table for loads, then one for stores.
///
/// An entry is a tag (the page's virtual address, or all ones) and what to add to a virtual address to get the
/// host's.
enum TLBLayout {
    static let entries = 512
    static let entryShift = 4
    static let stores = entries << entryShift
    static let size = 2 * stores
}

/// The entry of the table at `table` that `va`'s page would be in.
@inline(__always)
func tlbEntry(_ table: UnsafeMutableRawPointer, _ va: UInt64) -> UnsafeMutableRawPointer {
    table + Int(truncatingIfNeeded: va &>> 8) & ((TLBLayout.entries - 1) << TLBLayout.entryShift)
}

/// Whether the entry has the page of `va`, and `va` is a multiple of `1 + mask`.
@inline(__always)
func tlbMatches(_ entry: UnsafeMutableRawPointer, _ va: UInt64, _ mask: UInt64) -> Bool {
    entry.load(as: UInt64.self) == va & (~0xFFF | mask)
}

/// Where `va` lies in the host's memory, by an entry that matches.
@inline(__always)
func tlbAddress(_ entry: UnsafeMutableRawPointer, _ va: UInt64) -> UnsafeMutableRawPointer {
    // A cast, because the failable initialiser would test for an address that no entry gives.
    unsafeBitCast(va &+ entry.load(fromByteOffset: 8, as: UInt64.self), to: UnsafeMutableRawPointer.self)
}

/// All of the above; nil on a miss.
@inline(__always)
func tlbHit(_ table: UnsafeMutableRawPointer, _ va: UInt64, _ mask: UInt64) -> UnsafeMutableRawPointer? {
    let entry = tlbEntry(table, va)
    return tlbMatches(entry, va, mask) ? tlbAddress(entry, va) : nil
}

@inline(__always) func loaded_lb(_ v: Int8) -> UInt64 { UInt64(bitPattern: Int64(v)) }
@inline(__always) func loaded_lh(_ v: Int16) -> UInt64 { UInt64(bitPattern: Int64(v)) }
@inline(__always) func loaded_lw(_ v: Int32) -> UInt64 { UInt64(bitPattern: Int64(v)) }
@inline(__always) func loaded_ld(_ v: UInt64) -> UInt64 { v }
@inline(__always) func loaded_lbu(_ v: UInt8) -> UInt64 { UInt64(v) }
@inline(__always) func loaded_lhu(_ v: UInt16) -> UInt64 { UInt64(v) }
@inline(__always) func loaded_lwu(_ v: UInt32) -> UInt64 { UInt64(v) }

// Narrower floating-point values are NaN-boxed (unprivileged spec, 21.2).
@inline(__always) func loaded_flh(_ v: UInt16) -> UInt64 { UInt64(v) | 0xFFFF_FFFF_FFFF_0000 }
@inline(__always) func loaded_flw(_ v: UInt32) -> UInt64 { UInt64(v) | 0xFFFF_FFFF_0000_0000 }
@inline(__always) func loaded_fld(_ v: UInt64) -> UInt64 { v }
