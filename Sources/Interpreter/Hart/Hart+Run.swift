import CHost
import ExecutionEngine
import RISCV

extension Hart {
    /// Runs guest code until user space is needed. `exit` then says for what.
    ///
    /// The hart has been started; waiting for that is `HartCPU`'s business.
    func run() -> RunEnd {
        let s = state
        while true {
            if s.pointee.live & Live.kick != 0 {
                // Cleared before the reasons are read: one that comes later sets it again.
                _ = host_atomic_and_32(raw + HartLayout.live, ~Live.kick)
                if signals.hasRequests, let end = serveRequests() { return end }
            }
            if s.pointee.pending & s.pointee.mie != 0 { takeInterruptIfEnabled() }
            guard let op = findBlock() else { continue }
            switch enter(op) {
            case Stop.dispatch: break
            case Stop.trap: takeTrap()
            default: return endOfRun()
            }
        }
    }

    private func endOfRun() -> RunEnd {
        if wantsToWait {
            wantsToWait = false
            return .wait
        }
        if isStopping {
            isStopping = false
            return .stopped
        }
        count(.userExit)
        return .exit
    }

    /// What other harts and user space left for this one. Not nil when `run` has to end.
    private func serveRequests() -> RunEnd? {
        let requests = signals.takeRequests()
        if requests & HartSignals.Request.fence != 0 { serveFences() }
        if requests & HartSignals.Request.time != 0 { updateTimers() }
        if requests & HartSignals.Request.counters != 0 { lookAtCounters() }
        if requests & HartSignals.Request.exit != 0 { return .kicked }
        return requests & HartSignals.Request.gate != 0 ? .calledOut : nil
    }

    enum RunEnd {
        case exit
        case kicked
        /// WFI with nothing pending.
        case wait
        /// SBI HSM stopped the hart, or left it stopped.
        case stopped
        /// The cluster's gate closes.
        case calledOut
    }

    @inline(__always)
    private func enter(_ op: OpPointer) -> Int {
        let s = state
        #if DEBUG
        var stop = op.load(as: Handler.self)(raw, op, s.pointee.tlb, s.pointee.retired)
        while stop == Stop.step {
            let op = s.pointee.debugOp
            stop = op.load(as: Handler.self)(raw, op, s.pointee.debugTLB, s.pointee.debugRetired)
        }
        return stop
        #else
        return op.load(as: Handler.self)(raw, op, s.pointee.tlb, s.pointee.retired)
        #endif
    }

    /// The operation at `pc`; nil after a trap was taken instead. Leaves a way there for the next time.
    private func findBlock() -> OpPointer? {
        let s = state
        let pc = s.pointee.pc
        let live = s.pointee.live & ~Live.kick
        let entry = s.pointee.jumpCache + JumpCacheLayout.offset(pc)
        if entry.load(as: UInt64.self) == pc, entry.load(fromByteOffset: JumpCacheLayout.live, as: UInt32.self) == live {
            let target = entry.load(fromByteOffset: JumpCacheLayout.target, as: OpPointer.self)
            mendLink(to: target, live)
            return target
        }
        guard let target = blockEntry(at: pc, live) else { return nil }
        // Nothing may lead past the trace.
        if let trace, trace.instructions {
            s.pointee.pendingLink = nil
            return target
        }
        entry.storeBytes(of: pc, as: UInt64.self)
        entry.storeBytes(of: live, toByteOffset: JumpCacheLayout.live, as: UInt32.self)
        entry.storeBytes(of: target, toByteOffset: JumpCacheLayout.target, as: OpPointer.self)
        mendLink(to: target, live)
        return target
    }

    /// Points the link that led here at its target, so that the blocks don't have to be left again.
    @inline(__always)
    private func mendLink(to target: OpPointer, _ live: UInt32) {
        guard let op = state.pointee.pendingLink else { return }
        state.pointee.pendingLink = nil
        let link = UnsafeMutableRawPointer(mutating: op)
        link.storeBytes(of: target, toByteOffset: LinkLayout.target, as: OpPointer.self)
        link.storeBytes(of: live, toByteOffset: LinkLayout.live, as: UInt32.self)
    }

    /// First operation of the block at `pc`; nil after a trap, or when the look-up has to be made again.
    private func blockEntry(at pc: UInt64, _ live: UInt32) -> OpPointer? {
        let s = state
        var at = pc
        do throws(Fault) {
            let (code, available) = try fetch(pc)
            var rest: UnsafeRawPointer?
            // At the end of the page, or of what PMP permits of it.
            if available < 4, code.loadUnaligned(as: UInt16.self) & 3 == 3 {
                at = pc &+ 2
                rest = try fetch(at).code
            }
            // The fetch may have begun an epoch of the space's own.
            if s.pointee.live & ~Live.kick != live { return nil }
            let variant = Live.variant(live)
            if let trace, trace.instructions {
                return tracedBlock(trace, at: pc, code: code, available: available, rest: rest, variant: variant)
            }
            if let known = blocks.find(pc, code, rest: rest, variant: variant, generation: generation),
                rest != nil || Int(known.pointee.codeBytes) <= available
            {
                return Block.entry(known)
            }
            return build(pc, code, available, rest, variant)
        } catch {
            state.pointee.pendingLink = nil
            state.pointee.trapCause = error.exception(.fetch).rawValue
            state.pointee.trapValue = at
            clearTrapDetails()
            if error == .guestPage {
                state.pointee.trapGuestAddress = guestFault.address
                state.pointee.trapInstruction = guestFault.pseudoinstruction
            }
            takeTrap()
            return nil
        }
    }

    private func build(
        _ pc: UInt64, _ code: UnsafeRawPointer, _ available: Int, _ rest: UnsafeRawPointer?, _ variant: UInt32
    ) -> OpPointer? {
        guard let space = blocks.space else {
            // The arena starts over. `live` changes, so the caller has to look again.
            discardBlocks()
            refreshRegime()
            return nil
        }
        count(.blockBuilt)
        var builder = BlockBuilder(space, pc: pc, extensions: extensions, floatingPoint: variant == 0)
        let size = builder.build(
            code: code, available: available, rest: rest, generation: generation, variant: variant)
        blocks.commit(bytes: size)
        let block = space.assumingMemoryBound(to: BlockHeader.self)
        blocks.insert(block)
        return Block.entry(block)
    }

    /// Drops all blocks and every way that leads to one.
    func discardBlocks() {
        blocks.empty()
        state.pointee.pendingLink = nil
        host_fill(state.pointee.jumpCache, 0xFF, JumpCacheLayout.size)
        spaces.restartEpochs()
    }

    /// Replaces all of `live` but a kick that comes in meanwhile.
    func setLive(_ value: UInt32) {
        let address = raw + HartLayout.live
        if host_atomic_swap_32(address, value) & Live.kick != 0 { _ = host_atomic_or_32(address, Live.kick) }
    }
}
