import CHost
import RISCV

/// What a load does with the bytes it gets.
enum LoadKind {
    case lb, lh, lw, ld, lbu, lhu, lwu, flh, flw, fld

    var size: UInt64 {
        switch self {
        case .lb, .lbu: 1
        case .lh, .lhu, .flh: 2
        case .lw, .lwu, .flw: 4
        case .ld, .fld: 8
        }
    }
}

// Results of the slow paths: a `Stop`, or -1 when the access is done and the block goes on.
private let done = -1

/// A load that missed the TLB: translates, then reads RAM, or leaves for user space, or traps.
func loadSlow(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ kind: LoadKind, _ raw: inout UInt64) -> Int {
    h.owner.load(op, n, h.x(op.rs1) &+ op.imm, kind, &raw)
}

func storeSlow(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ size: UInt64, _ value: UInt64) -> Int {
    h.owner.store(op, n, h.x(op.rs1) &+ op.imm, size, value)
}

func fillForAtomic(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ size: UInt64, _ access: Access) -> Int {
    h.owner.fillForAtomic(op, n, h.x(op.rs1), size, access)
}

extension Hart {
    fileprivate func load(_ op: OpPointer, _ n: Int, _ va: UInt64, _ kind: LoadKind, _ raw: inout UInt64) -> Int {
        let size = kind.size
        let mode = dataMode
        count(.loadMiss)
        var at = va
        do throws(Fault) {
            let found = try translate(va, .load, mode: mode)
            if crossesPage(va, size) {
                if ram(found.address, 1) == nil { throw .access }
                let head = 4096 &- (va & 0xFFF)
                _ = try protect(found.address, head, PMP.Config.R, mode)
                at = (va | 0xFFF) &+ 1
                let second = try translate(at, .load, mode: mode)
                _ = try protect(second.address, size &- head, PMP.Config.R, mode)
                guard let bytes = gather(found, second, va, size) else { throw .access }
                raw = bytes
                return done
            }
            let whole = try protect(found.address, size, PMP.Config.R, mode)
            if let host = ram(found.address, size) {
                if whole { fill(va, found, .load, host: host) }
                raw = read(host, size)
                return done
            }
            guard va & (size &- 1) == 0 else { return stop(op, n, Exception.loadAddressMisaligned, va) }
            pause(at: op, n)
            unfinished = .load(kind: kind, rd: op.rd, address: va, next: Block.following(op))
            exit = .mmioRead(address: found.address, width: Int(truncatingIfNeeded: size))
            return Stop.exit
        } catch {
            return stop(op, n, error == .page ? Exception.loadPageFault : Exception.loadAccessFault, at)
        }
    }

    fileprivate func store(_ op: OpPointer, _ n: Int, _ va: UInt64, _ size: UInt64, _ value: UInt64) -> Int {
        let mode = dataMode
        count(.storeMiss)
        var at = va
        do throws(Fault) {
            let found = try translate(va, .store, mode: mode)
            if crossesPage(va, size) {
                if writableRAM(found.address, 1) == nil { throw .access }
                // Both pages are known to be writable before the first byte changes.
                let head = 4096 &- (va & 0xFFF)
                _ = try protect(found.address, head, PMP.Config.W, mode)
                at = (va | 0xFFF) &+ 1
                let second = try translate(at, .store, mode: mode)
                _ = try protect(second.address, size &- head, PMP.Config.W, mode)
                guard scatter(found, second, va, size, value) else { throw .access }
                return reportWatched(op, n, found.address, head) ?? reportWatched(op, n, second.address, size &- head)
                    ?? done
            }
            let whole = try protect(found.address, size, PMP.Config.W, mode)
            if let host = writableRAM(found.address, size) {
                let watched = isWatchedPage(found.address)
                if whole, !watched { fill(va, found, .store, host: host) }
                write(host, size, value)
                return watched ? reportWatched(op, n, found.address, size) ?? done : done
            }
            guard va & (size &- 1) == 0 else { return stop(op, n, Exception.storeAddressMisaligned, va) }
            let mask: UInt64 = size == 8 ? ~0 : (1 &<< (size &* 8)) &- 1
            let width = Int(truncatingIfNeeded: size)
            if cluster.doorbells.ring(found.address, width: width, value: value & mask) { return done }
            pause(at: op, n)
            unfinished = .store(address: va, next: Block.following(op))
            exit = .mmioWrite(address: found.address, width: width, value: value & mask)
            return Stop.exit
        } catch {
            return stop(op, n, error == .page ? Exception.storePageFault : Exception.storeAccessFault, at)
        }
    }

    /// Leaves for user space behind a store that hit a watched address.
    func reportWatched(_ op: OpPointer, _ n: Int, _ address: UInt64, _ size: UInt64) -> Int? {
        guard let hit = watchedAddress(address, size) else { return nil }
        _ = resume(behind: op, n)
        exit = .watchedStore(address: hit)
        return Stop.exit
    }

    /// Brings the page of an atomic into the TLB, or, where it mustn't enter one, carries the atomic out.
    /// Atomics exist in RAM only and have to be aligned.
    fileprivate func fillForAtomic(_ op: OpPointer, _ n: Int, _ va: UInt64, _ size: UInt64, _ access: Access) -> Int {
        let load = access == .load
        guard va & (size &- 1) == 0 else {
            return stop(op, n, load ? Exception.loadAddressMisaligned : Exception.storeAddressMisaligned, va)
        }
        do throws(Fault) {
            let mode = dataMode
            let found = try translate(va, access, mode: mode)
            // An AMO loads as well; so does, by its nature, an SC that may succeed.
            let whole = try protect(found.address, size, load ? PMP.Config.R : PMP.Config.R | PMP.Config.W, mode)
            guard let host = load ? ram(found.address, size) : writableRAM(found.address, size) else { throw .access }
            if whole, load || !isWatchedPage(found.address) {
                fill(va, found, access, host: host)
                return done
            }
            atomicSlow(op, host)
            return load ? resume(behind: op, n) : reportWatched(op, n, found.address, size) ?? resume(behind: op, n)
        } catch {
            let cause =
                error == .page
                ? (load ? Exception.loadPageFault : Exception.storePageFault)
                : (load ? Exception.loadAccessFault : Exception.storeAccessFault)
            return stop(op, n, cause, va)
        }
    }

    private func crossesPage(_ va: UInt64, _ size: UInt64) -> Bool { va & 0xFFF > 4096 &- size }

    private func read(_ host: UnsafeMutableRawPointer, _ size: UInt64) -> UInt64 {
        switch size {
        case 1: UInt64(host.load(as: UInt8.self))
        case 2: UInt64(host.loadUnaligned(as: UInt16.self))
        case 4: UInt64(host.loadUnaligned(as: UInt32.self))
        default: host.loadUnaligned(as: UInt64.self)
        }
    }

    private func write(_ host: UnsafeMutableRawPointer, _ size: UInt64, _ value: UInt64) {
        switch size {
        case 1: host.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
        case 2: host.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
        case 4: host.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
        default: host.storeBytes(of: value, as: UInt64.self)
        }
    }

    /// A load across a page boundary, byte by byte; nil when either page isn't RAM.
    private func gather(_ first: Translation, _ second: Translation, _ va: UInt64, _ size: UInt64) -> UInt64? {
        let head = 4096 &- (va & 0xFFF)
        guard let low = ram(first.address, head), let high = ram(second.address, size &- head) else { return nil }
        var value: UInt64 = 0
        for i in 0..<size {
            let byte = i < head ? low.load(fromByteOffset: Int(i), as: UInt8.self) : high.load(fromByteOffset: Int(i &- head), as: UInt8.self)
            value |= UInt64(byte) &<< (i &* 8)
        }
        return value
    }

    private func scatter(_ first: Translation, _ second: Translation, _ va: UInt64, _ size: UInt64, _ value: UInt64) -> Bool {
        let head = 4096 &- (va & 0xFFF)
        guard let low = writableRAM(first.address, head), let high = writableRAM(second.address, size &- head) else { return false }
        for i in 0..<size {
            let byte = UInt8(truncatingIfNeeded: value &>> (i &* 8))
            if i < head {
                low.storeBytes(of: byte, toByteOffset: Int(i), as: UInt8.self)
            } else {
                high.storeBytes(of: byte, toByteOffset: Int(i &- head), as: UInt8.self)
            }
        }
        return true
    }

    /// Records that the instruction of `op` traps.
    func stop(_ op: OpPointer, _ n: Int, _ cause: Exception, _ value: UInt64) -> Int {
        pause(at: op, n)
        state.pointee.trapCause = cause.rawValue
        state.pointee.trapValue = value
        return Stop.trap
    }

    /// Brings `pc` and the retired count to the start of the instruction of `op`.
    func pause(at op: OpPointer, _ n: Int) {
        state.pointee.pc = Block.pc(of: op)
        state.pointee.retired = n &+ Block.index(of: op)
    }
}
