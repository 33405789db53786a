import CHost
import RISCV

// Zicbom and Zicboz (unprivileged spec, CMO chapter): memory is coherent here, so clean, flush and invalidate
// only have to trap as they should. Blocks are 64 bytes.

private let blockSize: UInt64 = 64

@inline(never)
@c func rv_cbo_clean(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.owner.manageBlock(op, n, enable: EnvironmentConfiguration.CBCFE)
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_cbo_flush(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.owner.manageBlock(op, n, enable: EnvironmentConfiguration.CBCFE)
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_cbo_inval(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.owner.manageBlock(op, n, enable: EnvironmentConfiguration.CBIE)
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_cbo_zero(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.owner.zeroBlock(op, n)
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

extension Hart {
    /// Whether menvcfg, and for U-mode senvcfg, enable what the bits of `field` stand for.
    private func isEnabled(_ field: UInt64) -> Bool {
        let s = state
        switch s.pointee.mode {
        case .machine: return true
        case .supervisor: return s.pointee.menvcfg & field != 0
        case .user: return s.pointee.menvcfg & field != 0 && s.pointee.senvcfg & field != 0
        }
    }

    /// Permission to load or to store is enough; without either it is a store fault at the given address.
    fileprivate func manageBlock(_ op: OpPointer, _ n: Int, enable: UInt64) -> Int {
        guard isEnabled(enable) else { return stop(op, n, .illegalInstruction, UInt64(Block.word(of: op))) }
        let va = raw.x(op.rs1)
        let mode = dataMode
        do throws(Fault) {
            let found = try translate(va, .load, mode: mode)
            _ = try protect(found.address & ~(blockSize &- 1), blockSize, PMP.Config.R, mode)
            return -1
        } catch {}
        do throws(Fault) {
            let found = try translate(va, .store, mode: mode)
            _ = try protect(found.address & ~(blockSize &- 1), blockSize, PMP.Config.W, mode)
            return -1
        } catch {
            return stop(op, n, error == .page ? .storePageFault : .storeAccessFault, va)
        }
    }

    fileprivate func zeroBlock(_ op: OpPointer, _ n: Int) -> Int {
        guard isEnabled(EnvironmentConfiguration.CBZE) else {
            return stop(op, n, .illegalInstruction, UInt64(Block.word(of: op)))
        }
        let va = raw.x(op.rs1)
        do throws(Fault) {
            let mode = dataMode
            let found = try translate(va, .store, mode: mode)
            let block = found.address & ~(blockSize &- 1)
            _ = try protect(block, blockSize, PMP.Config.W, mode)
            guard let host = writableRAM(block, blockSize) else { throw .access }
            host_fill(host, 0, Int(blockSize))
            return reportWatched(op, n, block, blockSize) ?? -1
        } catch {
            return stop(op, n, error == .page ? .storePageFault : .storeAccessFault, va)
        }
    }
}
