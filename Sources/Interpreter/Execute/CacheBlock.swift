import CHost
import RISCV

// Zicbom and Zicboz (unprivileged spec, CMO chapter): memory is coherent here, so clean, flush and invalidate
// only have to trap as they should. Blocks are 64 bytes.

private let blockSize: UInt64 = 64

@inline(never)
@c func rv_cbo_clean(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.withHart { $0.manageBlock(op, n, enable: EnvironmentConfiguration.CBCFE) }
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_cbo_flush(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.withHart { $0.manageBlock(op, n, enable: EnvironmentConfiguration.CBCFE) }
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_cbo_inval(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.withHart { $0.manageBlock(op, n, enable: EnvironmentConfiguration.CBIE) }
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_cbo_zero(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.withHart { $0.zeroBlock(op, n) }
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

extension Hart {
    /// The exception that the instruction raises unless menvcfg, for a guest henvcfg, and for U-mode and VU-mode
    /// senvcfg enable what the bits of `field` stand for.
    private func exceptionUnlessEnabled(_ field: UInt64) -> Exception? {
        let s = state
        if s.pointee.mode == .machine { return nil }
        if s.pointee.menvcfg & field == 0 { return .illegalInstruction }
        let isOff = s.pointee.mode == .user && s.pointee.senvcfg & field == 0
        if s.pointee.virtual { return isOff || s.pointee.henvcfg & field == 0 ? .virtualInstruction : nil }
        return isOff ? .illegalInstruction : nil
    }

    /// Permission to load or to store is enough; without either it is a store fault at the given address.
    fileprivate func manageBlock(_ op: OpPointer, _ n: Int, enable: UInt64) -> Int {
        if let exception = exceptionUnlessEnabled(enable) { return stopIllegal(op, n, exception) }
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
            return stopAccess(op, n, error, .store, mode, va, at: va)
        }
    }

    fileprivate func zeroBlock(_ op: OpPointer, _ n: Int) -> Int {
        if let exception = exceptionUnlessEnabled(EnvironmentConfiguration.CBZE) { return stopIllegal(op, n, exception) }
        let va = raw.x(op.rs1)
        let mode = dataMode
        do throws(Fault) {
            let found = try translate(va, .store, mode: mode)
            let block = found.address & ~(blockSize &- 1)
            _ = try protect(block, blockSize, PMP.Config.W, mode)
            guard let host = writableRAM(block, blockSize) else { throw .access }
            host_fill(host, 0, Int(blockSize))
            return reportWatched(op, n, block, blockSize) ?? -1
        } catch {
            return stopAccess(op, n, error, .store, mode, va, at: va)
        }
    }
}
