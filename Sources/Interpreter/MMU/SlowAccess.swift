import CHost
import ExecutionEngine
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
    h.withHart { hart in
        hart.load(op, n, h.x(op.rs1) &+ op.imm, kind, .load, hart.dataMode, &raw)
    }
}

func storeSlow(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ size: UInt64, _ value: UInt64) -> Int {
    h.withHart { hart in
        hart.store(op, n, h.x(op.rs1) &+ op.imm, size, value, hart.dataMode)
    }
}

/// HLV and HLVX: always the slow path, with the guest's translation.
func guestLoad(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ kind: LoadKind, _ access: Access, _ raw: inout UInt64) -> Int {
    h.withHart { hart in
        if let exception = hart.hypervisorInstructionException(userMay: true) { return hart.stopIllegal(op, n, exception) }
        return hart.load(op, n, h.x(op.rs1), kind, access, hart.guestAccessMode, &raw)
    }
}

/// HSV.
func guestStore(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ size: UInt64, _ value: UInt64) -> Int {
    h.withHart { hart in
        if let exception = hart.hypervisorInstructionException(userMay: true) { return hart.stopIllegal(op, n, exception) }
        return hart.store(op, n, h.x(op.rs1), size, value, hart.guestAccessMode)
    }
}

func fillForAtomic(_ h: UnsafeMutableRawPointer, _ op: OpPointer, _ n: Int, _ size: UInt64, _ access: Access) -> Int {
    h.withHart { $0.fillForAtomic(op, n, h.x(op.rs1), size, access) }
}

extension Hart {
    fileprivate func load(
        _ op: OpPointer, _ n: Int, _ va: UInt64, _ kind: LoadKind, _ access: Access, _ mode: AccessMode, _ raw: inout UInt64
    ) -> Int {
        let size = kind.size
        count(.loadMiss)
        var at = va
        do throws(Fault) {
            let found = try translate(va, access, mode: mode)
            if crossesPage(va, size) {
                if ram(found.address, 1) == nil { throw .access }
                let head = 4096 &- (va & 0xFFF)
                _ = try protect(found.address, head, access.needs, mode)
                at = (va | 0xFFF) &+ 1
                let second = try translate(at, access, mode: mode)
                _ = try protect(second.address, size &- head, access.needs, mode)
                guard let bytes = gather(found, second, va, size) else { throw .access }
                raw = bytes
                return done
            }
            let whole = try protect(found.address, size, access.needs, mode)
            if let host = ram(found.address, size) {
                if whole { fill(va, found, .load, host: host) }
                raw = read(host, size)
                return done
            }
            guard va & (size &- 1) == 0 else { return stopAccess(op, n, .loadAddressMisaligned, mode, va) }
            if try accessInterruptPage(found.address, size) {
                raw = 0
                return done
            }
            pause(at: op, n)
            noteAccess(op, mode, offset: 0)
            unfinished = .load(kind: kind, rd: op.rd, address: va, length: Block.following(op) &- state.pointee.pc)
            exit = .mmioRead(address: found.address, width: Int(truncatingIfNeeded: size))
            return Stop.exit
        } catch {
            return stopAccess(op, n, error, access, mode, va, at: at)
        }
    }

    fileprivate func store(
        _ op: OpPointer, _ n: Int, _ va: UInt64, _ size: UInt64, _ value: UInt64, _ mode: AccessMode
    ) -> Int {
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
            guard va & (size &- 1) == 0 else { return stopAccess(op, n, .storeAddressMisaligned, mode, va) }
            let mask: UInt64 = size == 8 ? ~0 : (1 &<< (size &* 8)) &- 1
            let width = Int(truncatingIfNeeded: size)
            if try accessInterruptPage(found.address, size, storing: value & mask) { return done }
            if cluster.doorbells.ring(found.address, width: width, value: value & mask) { return done }
            pause(at: op, n)
            noteAccess(op, mode, offset: 0)
            unfinished = .store(address: va, length: Block.following(op) &- state.pointee.pc)
            exit = .mmioWrite(address: found.address, width: width, value: value & mask)
            return Stop.exit
        } catch {
            return stopAccess(op, n, error, .store, mode, va, at: at)
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
        let mode = dataMode
        guard va & (size &- 1) == 0 else {
            return stopAccess(op, n, load ? .loadAddressMisaligned : .storeAddressMisaligned, mode, va)
        }
        do throws(Fault) {
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
            return stopAccess(op, n, error, access, mode, va, at: va)
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
        clearTrapDetails()
        return Stop.trap
    }

    /// Records that the instruction of `op` traps because of what it is.
    func stopIllegal(_ op: OpPointer, _ n: Int, _ cause: Exception = .illegalInstruction) -> Int {
        stop(op, n, cause, UInt64(Block.word(of: op)))
    }

    /// Records that an access of `op`'s instruction to `va`, made in `mode`, fails at `at`.
    func stopAccess(
        _ op: OpPointer, _ n: Int, _ fault: Fault, _ access: Access, _ mode: AccessMode, _ va: UInt64, at: UInt64
    ) -> Int {
        let result = stopAccess(op, n, fault.exception(access), mode, va, at: at)
        if fault == .guestPage {
            state.pointee.trapGuestAddress = guestFault.address
            if guestFault.pseudoinstruction != 0 { state.pointee.trapInstruction = guestFault.pseudoinstruction }
        }
        return result
    }

    func stopAccess(
        _ op: OpPointer, _ n: Int, _ cause: Exception, _ mode: AccessMode, _ va: UInt64, at: UInt64? = nil
    ) -> Int {
        let at = at ?? va
        let result = stop(op, n, cause, at)
        noteAccess(op, mode, offset: at &- va)
        return result
    }

    /// What htinst, GVA and the like will say of an access by the instruction of `op` if it traps.
    private func noteAccess(_ op: OpPointer, _ mode: AccessMode, offset: UInt64) {
        guard extensions.contains(.h) else { return }
        state.pointee.trapGuestAddress = 0
        state.pointee.trapOfGuestAccess = mode.virtual
        state.pointee.trapInstruction = transformedInstruction(Block.word(of: op), offset: offset)
    }

    /// Brings `pc` and the retired count to the start of the instruction of `op`.
    func pause(at op: OpPointer, _ n: Int) {
        state.pointee.pc = Block.pc(of: op)
        state.pointee.retired = n &+ Block.index(of: op)
    }
}
