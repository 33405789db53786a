import CHost
import ExecutionEngine
import RISCV

// Instructions that reach beyond the registers: traps, returns, fences, waiting. They are rare enough to go
// through the hart's object.

@inline(never)
@c func rv_illegal(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { $0.stop(op, n, Exception.illegalInstruction, UInt64(Block.word(of: op))) }
}

/// Where other handlers go when their operands make an instruction illegal.
@inline(never)
@c func raiseIllegal(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { $0.stop(op, n, Exception.illegalInstruction, UInt64(Block.word(of: op))) }
}

@inline(never)
@c func rv_ecall(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.environmentCall(op, n) } }

@inline(never)
@c func rv_ebreak(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { $0.breakpoint(op, n) }
}

@inline(never)
@c func rv_mret(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { hart in
        hart.pause(at: op, n)
        // In the mode that it leaves.
        hart.state.pointee.retired &+= 1
        if let exception = hart.returnFromMachineTrap() { return hart.stopIllegal(op, n, exception) }
        return Stop.dispatch
    }
}

@inline(never)
@c func rv_sret(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { hart in
        hart.pause(at: op, n)
        // In the mode that it leaves.
        hart.state.pointee.retired &+= 1
        if let exception = hart.returnFromSupervisorTrap() { return hart.stopIllegal(op, n, exception) }
        return Stop.dispatch
    }
}

@inline(never)
@c func rv_wfi(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.waitForInterrupt(op, n) } }

@inline(never)
@c func rv_fence_i(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { hart in
        hart.fenceInstruction()
        return hart.resume(behind: op, n)
    }
}

@inline(never)
@c func rv_sfence_vma(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.fenceVMA(op, n) } }

@inline(never)
@c func rv_sinval_vma(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.fenceVMA(op, n) } }

/// Orders SINVAL.VMA, which is as strong as SFENCE.VMA here: nothing is left to do but the mode check.
@inline(never)
@c func rv_sfence_w_inval(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.hart.pointee.mode.rawValue == 0 ? raiseUnprivileged(h, op, tlb, n) : next(h, op, tlb, n)
}

@inline(never)
@c func rv_sfence_inval_ir(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.hart.pointee.mode.rawValue == 0 ? raiseUnprivileged(h, op, tlb, n) : next(h, op, tlb, n)
}

/// A supervisor's instruction in U-mode or VU-mode.
@inline(never)
@c func raiseUnprivileged(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { $0.stopIllegal(op, n, h.hart.pointee.virtual ? .virtualInstruction : .illegalInstruction) }
}

/// The host orders all but a store before a later load by itself, on x86-64; any fence whose predecessor set
/// has W or O and whose successor set has R or I needs the full one.
@c func rv_fence(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    #if arch(x86_64)
    let sets = op.imm32
    // pred is bits 7..4 (I O R W), succ bits 3..0.
    if sets & 0x50 != 0, sets & 0x0A != 0 { host_fence_full() }
    #else
    host_fence_full()
    #endif
    return next(h, op, tlb, n)
}

/// A spinning guest gives its core away now and then: whoever holds the lock may be waiting for it.
@c func rv_pause(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let count = h.hart.pointee.pauses &+ 1
    h.hart.pointee.pauses = count
    return count & 31 == 0 ? yieldCore(h, op, tlb, n) : next(h, op, tlb, n)
}

@inline(never)
@c func yieldCore(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    host_thread_yield()
    return next(h, op, tlb, n)
}

/// Zawrs: stalls until the reserved value changes or an interrupt is pending; may end at any time.
@inline(never)
@c func rv_wrs_nto(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { $0.waitForReservation(op, n, limited: false) }
}

@inline(never)
@c func rv_wrs_sto(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.withHart { $0.waitForReservation(op, n, limited: true) }
}

extension Hart {
    /// Leaves the blocks for a fresh look-up behind the instruction of `op`.
    func resume(behind op: OpPointer, _ n: Int) -> Int {
        state.pointee.pc = Block.following(op)
        state.pointee.retired = n &+ Block.index(of: op) &+ 1
        return Stop.dispatch
    }

    fileprivate func environmentCall(_ op: OpPointer, _ n: Int) -> Int {
        let mode = state.pointee.mode
        if mode == .supervisor, !state.pointee.virtual, cluster.answersSBI {
            _ = resume(behind: op, n)
            return callSBI()
        }
        let cause: Exception =
            switch mode {
            case .user: .ecallFromU
            case .supervisor: state.pointee.virtual ? .ecallFromVS : .ecallFromS
            case .machine: .ecallFromM
            }
        return stop(op, n, cause, 0)
    }

    /// Nothing changes where a debugger planted it.
    fileprivate func breakpoint(_ op: OpPointer, _ n: Int) -> Int {
        guard isDebugging else { return stop(op, n, Exception.breakpoint, Block.pc(of: op)) }
        pause(at: op, n)
        exit = .debug(pc: state.pointee.pc)
        return Stop.exit
    }

    fileprivate func waitForInterrupt(_ op: OpPointer, _ n: Int) -> Int {
        if let exception = waitException { return stopIllegal(op, n, exception) }
        _ = resume(behind: op, n)
        if wakes { return Stop.dispatch }
        wantsToWait = true
        return Stop.exit
    }

    /// TW sends WFI to M-mode, a guest's as well; U-mode's is illegal where S-mode exists (privileged spec 3.3.3).
    /// VTW sends VS-mode's to the hypervisor, where VU-mode's goes in any case.
    private var waitException: Exception? {
        let s = state
        if s.pointee.mode == .machine { return nil }
        if s.pointee.mstatus & MStatus.TW != 0 { return .illegalInstruction }
        if s.pointee.virtual {
            return s.pointee.mode == .user || s.pointee.hstatus & HStatus.VTW != 0 ? .virtualInstruction : nil
        }
        return s.pointee.mode == .user ? .illegalInstruction : nil
    }

    fileprivate func waitForReservation(_ op: OpPointer, _ n: Int, limited: Bool) -> Int {
        let s = state
        if !limited, s.pointee.mode != .machine, s.pointee.mstatus & MStatus.TW != 0 { return stopIllegal(op, n) }
        if let address = UnsafeRawPointer(bitPattern: UInt(s.pointee.reservedHost)), s.pointee.reservation != ~0 {
            let wide = s.pointee.reservedWide
            for _ in 0..<64 {
                let now = wide ? host_load_relaxed_64(address) : UInt64(host_load_relaxed_32(address))
                if now != s.pointee.reservedValue || s.pointee.live & Live.kick != 0 { break }
                host_thread_yield()
            }
            // The bounded time is over: a hypervisor that wants to know of a guest's WFI wants to know of this.
            let now = wide ? host_load_relaxed_64(address) : UInt64(host_load_relaxed_32(address))
            if !limited, s.pointee.virtual, s.pointee.hstatus & HStatus.VTW != 0, now == s.pointee.reservedValue,
                !wakes
            {
                return stopIllegal(op, n, .virtualInstruction)
            }
        }
        return resume(behind: op, n)
    }

    fileprivate func fenceVMA(_ op: OpPointer, _ n: Int) -> Int {
        let s = state
        let mode = s.pointee.mode
        if s.pointee.virtual {
            if mode == .user || s.pointee.hstatus & HStatus.VTVM != 0 { return stopIllegal(op, n, .virtualInstruction) }
        } else if mode == .user || (mode == .supervisor && s.pointee.mstatus & MStatus.TVM != 0) {
            return stopIllegal(op, n)
        }
        fenceVMA(
            address: op.rs1 == 0 ? nil : raw.x(op.rs1), asid: op.rs2 == 0 ? nil : raw.x(op.rs2) & 0xFFFF,
            of: s.pointee.virtual ? .guests(vmid: currentVMID) : .host)
        return resume(behind: op, n)
    }
}
