import CHost
import ExecutionEngine
import RISCV

extension Hart {
    func a(_ i: Int) -> UInt64 { raw.x(10 + i) }

    /// Answers the call in a7 and a6, or hands it to user space. `pc` is behind the ecall.
    func callSBI() -> Int {
        let id = raw.x(17)
        let function = raw.x(16)
        guard isProvided(id) else { return answer(.notSupported) }
        if SBI.Extension.isForwarded(id) { return forward(id, function) }
        if id <= SBI.Extension.legacyShutdown { return callLegacy(id) }
        let result: SBI.Result
        switch id {
        case SBI.Extension.base:
            // As KVM has it, only user space knows what it answers there.
            if function == Self.probe, SBI.Extension.isForeign(a(0)) { return forward(id, function) }
            result = base(function)
        case SBI.Extension.time: result = function == 0 ? setTimer(a(0)) : .notSupported
        case SBI.Extension.ipi: result = function == 0 ? sendIPI(mask: a(0), base: a(1)) : .notSupported
        case SBI.Extension.rfence: result = remoteFence(function)
        case SBI.Extension.hsm: return manageHarts(function)
        case SBI.Extension.srst: return resetSystem(function)
        case SBI.Extension.susp: return suspendSystem(function)
        case SBI.Extension.pmu: result = countPerformance(function)
        case SBI.Extension.sta: result = function == 0 ? shareStealTime() : .notSupported
        case SBI.Extension.fwft: result = configureFeature(function)
        default: result = .notSupported
        }
        return answer(result)
    }

    private func forward(_ id: UInt64, _ function: UInt64) -> Int {
        let call = SBICall(
            extensionID: id, functionID: function, a0: a(0), a1: a(1), a2: a(2), a3: a(3), a4: a(4), a5: a(5))
        return leave(.sbi(call), legacy: id <= SBI.Extension.legacyShutdown)
    }

    func answer(_ result: SBI.Result) -> Int {
        raw.setX(10, UInt64(bitPattern: result.error))
        raw.setX(11, result.value)
        return Stop.dispatch
    }

    /// Chapter 4.
    private func base(_ function: UInt64) -> SBI.Result {
        switch function {
        case 0: .value(SBI.specificationVersion)
        case 1: .value(SBI.implementationID)
        case 2: .value(SBI.implementationVersion)
        case Self.probe: .value(isProvided(a(0)) ? 1 : 0)
        case 4: .value(identity.mvendorid)
        case 5: .value(identity.marchid)
        case 6: .value(identity.mimpid)
        default: .notSupported
        }
    }

    /// BASE's function of that name.
    private static var probe: UInt64 { 3 }

    private func isProvided(_ id: UInt64) -> Bool {
        if let number = SBI.Extension.number(of: id) { return sbiExtensions[number] }
        return id == SBI.Extension.base
    }

    /// Chapter 6. All ones means never, and clears a pending timer as any value in the future does.
    func setTimer(_ value: UInt64) -> SBI.Result {
        count(.setTimer)
        state.pointee.stimecmp = value
        updateTimer()
        return .success
    }

    /// The harts that a mask and its base name (chapter 3.1); nil when one of them doesn't exist.
    private func targets(mask: UInt64, base: UInt64) -> [Hart]? {
        let harts = cluster.harts
        if base == ~0 { return harts }
        guard base < UInt64(harts.count) || mask == 0 else { return nil }
        var chosen: [Hart] = []
        var rest = mask
        while rest != 0 {
            let bit = UInt64(truncatingIfNeeded: rest.trailingZeroBitCount)
            rest &= rest &- 1
            guard base &+ bit < UInt64(harts.count) else { return nil }
            chosen.append(harts[Int(base &+ bit)])
        }
        return chosen
    }

    private func sendIPI(mask: UInt64, base: UInt64) -> SBI.Result {
        guard let harts = targets(mask: mask, base: base) else { return .invalidParameter }
        sendIPI(to: harts)
        return .success
    }

    private func sendIPI(to harts: [Hart]) {
        count(.ipiSent)
        for hart in harts {
            hart.count(.ipiReceived)
            hart.signals.raise(InterruptSet.supervisorSoftware)
        }
    }

    /// Chapter 8. The HFENCE calls exist only on a hart with H; those for guest virtual addresses are about the
    /// caller's VMID.
    private func remoteFence(_ function: UInt64) -> SBI.Result {
        let fence: RemoteFence
        switch function {
        case 0: fence = .instruction
        case 1: fence = .range(start: a(2), size: a(3), asid: nil)
        case 2: fence = .range(start: a(2), size: a(3), asid: a(4) & 0xFFFF)
        case 3 where extensions.contains(.h): fence = .guestPhysical(vmid: a(4) & 0x3FFF)
        case 4 where extensions.contains(.h): fence = .guestPhysical(vmid: nil)
        case 5 where extensions.contains(.h):
            fence = .guestVirtual(start: a(2), size: a(3), asid: a(4) & 0xFFFF, vmid: currentVMID)
        case 6 where extensions.contains(.h):
            fence = .guestVirtual(start: a(2), size: a(3), asid: nil, vmid: currentVMID)
        default: return .notSupported
        }
        guard let harts = targets(mask: a(0), base: a(1)) else { return .invalidParameter }
        // A range may end where the address space does.
        if function > 0, a(3) != 0, a(3) != ~0, a(2).addingReportingOverflow(a(3) &- 1).overflow { return .invalidAddress }
        perform(fence, on: harts)
        return .success
    }

    /// Chapter 9.
    private func manageHarts(_ function: UInt64) -> Int {
        switch function {
        case 0:
            guard a(0) < UInt64(cluster.harts.count) else { return answer(.invalidParameter) }
            let target = cluster.harts[Int(a(0))]
            // Entry in S-mode with satp = 0: the address is a physical one, and code has to be there.
            guard a(1) & 1 == 0, ram(a(1), 2) != nil else { return answer(.invalidAddress) }
            guard target.power.requestStart(at: a(1), argument: a(2)) else {
                return answer(target.power.state == .startPending ? .failed : .alreadyAvailable)
            }
            target.signals.request(HartSignals.Request.hsm)
            return answer(.success)
        case 1:
            power.stop()
            isStopping = true
            return Stop.exit
        case 2:
            guard a(0) < UInt64(cluster.harts.count) else { return answer(.invalidParameter) }
            return answer(.value(cluster.harts[Int(a(0))].power.state.rawValue))
        case 3: return suspendHart()
        default: return answer(.notSupported)
        }
    }

    /// Retentive suspend comes back as from WFI; the non-retentive one enters S-mode anew.
    private func suspendHart() -> Int {
        switch a(0) & 0xFFFF_FFFF {
        case 0:
            _ = answer(.success)
        case 0x8000_0000:
            guard a(1) & 1 == 0, ram(a(1), 2) != nil else { return answer(.invalidAddress) }
            startSupervisor(at: a(1), argument: a(2), keepsInterrupts: true)
        // Reserved, or the platform's and not implemented.
        default: return answer(.invalidParameter)
        }
        return waitSuspended()
    }

    /// Sleeps until an interrupt that sie enables is pending.
    func waitSuspended() -> Int {
        if wakes { return Stop.dispatch }
        power.suspend(true)
        wantsToWait = true
        return Stop.exit
    }

    /// Chapter 10: type 0 shutdown, 1 cold reboot, 2 warm reboot; reason 0 none, 1 system failure.
    private func resetSystem(_ function: UInt64) -> Int {
        guard function == 0 else { return answer(.notSupported) }
        let type = a(0) & 0xFFFF_FFFF
        let reason = a(1) & 0xFFFF_FFFF
        // Types of the platform's own aren't implemented; reasons are only passed on.
        guard type <= 2, reason <= 1 || reason >= 0xE000_0000 else { return answer(.invalidParameter) }
        return leave(.systemEvent(type == 0 ? .shutdown(reason: reason) : .reset(reason: reason)))
    }

    /// Chapter 5: one result in a0, everything else kept.
    private func callLegacy(_ id: UInt64) -> Int {
        var result: UInt64 = 0
        switch id {
        case SBI.Extension.legacySetTimer: _ = setTimer(a(0))
        case SBI.Extension.legacyClearIPI: signals.lower(InterruptSet.supervisorSoftware)
        case SBI.Extension.legacySendIPI, SBI.Extension.legacyFenceI, SBI.Extension.legacySFence,
            SBI.Extension.legacySFenceASID:
            guard let mask = legacyMask(a(0)), let harts = targets(mask: mask, base: 0) else {
                result = UInt64(bitPattern: SBI.Result.invalidParameter.error)
                break
            }
            switch id {
            case SBI.Extension.legacySendIPI: sendIPI(to: harts)
            case SBI.Extension.legacyFenceI: perform(.instruction, on: harts)
            case SBI.Extension.legacySFence: perform(.range(start: a(1), size: a(2), asid: nil), on: harts)
            default: perform(.range(start: a(1), size: a(2), asid: a(3) & 0xFFFF), on: harts)
            }
        default:
            return leave(.systemEvent(.shutdown(reason: 0)), legacy: true)
        }
        raw.setX(10, result)
        return Stop.dispatch
    }

    /// The hart mask that a legacy call points at with a virtual address; 0 stands for all harts.
    private func legacyMask(_ va: UInt64) -> UInt64? {
        if va == 0 { return cluster.harts.count >= 64 ? ~0 : (1 &<< UInt64(cluster.harts.count)) &- 1 }
        guard va & 7 == 0, let found = try? translate(va, .load, mode: AccessMode.supervisor), let host = ram(found.address, 8)
        else { return nil }
        return host.load(as: UInt64.self)
    }
}
