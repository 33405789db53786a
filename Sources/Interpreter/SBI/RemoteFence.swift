import CHost

/// What one hart asks of another through SBI RFENCE.
enum RemoteFence {
    case instruction
    /// `size` bytes from `start`; 0 with start 0, or all ones, is everything. An ASID narrows it.
    case range(start: UInt64, size: UInt64, asid: UInt64?)
    /// The same for guest virtual addresses of a VMID.
    case guestVirtual(start: UInt64, size: UInt64, asid: UInt64?, vmid: UInt64)
    /// Guest physical addresses, all of them, of a VMID or of every guest.
    case guestPhysical(vmid: UInt64?)
    /// All translations there are: what several fences come to.
    case everything

    var sent: FirmwareEvent {
        switch self {
        case .instruction: .fenceInstructionSent
        case .range(_, _, let asid): asid == nil ? .fenceSent : .fenceASIDSent
        case .guestVirtual(_, _, let asid, _): asid == nil ? .guestFenceSent : .guestFenceASIDSent
        case .guestPhysical(let vmid): vmid == nil ? .guestPhysicalFenceSent : .guestPhysicalFenceVMIDSent
        case .everything: .fenceSent
        }
    }

    var received: FirmwareEvent {
        switch self {
        case .instruction: .fenceInstructionReceived
        case .range(_, _, let asid): asid == nil ? .fenceReceived : .fenceASIDReceived
        case .guestVirtual(_, _, let asid, _): asid == nil ? .guestFenceReceived : .guestFenceASIDReceived
        case .guestPhysical(let vmid): vmid == nil ? .guestPhysicalFenceReceived : .guestPhysicalFenceVMIDReceived
        case .everything: .fenceReceived
        }
    }
}

extension Hart {
    /// Carries out `fence` on all `harts` and returns when each of them has it behind itself, or will before
    /// its next instruction.
    func perform(_ fence: RemoteFence, on harts: [Hart]) {
        count(fence.sent)
        for hart in harts { hart.count(fence.received) }
        var waiting: [(Hart, UInt32)] = []
        for hart in harts where hart !== self {
            waiting.append((hart, hart.signals.post(fence)))
        }
        for hart in harts where hart === self { apply(fence) }
        for (hart, ticket) in waiting {
            var rounds = 0
            while !hart.signals.isPast(ticket) {
                // The other may be waiting for us in the same way.
                serveFences()
                rounds &+= 1
                if rounds & 63 == 0 { host_thread_yield() } else { host_cpu_relax() }
            }
        }
    }

    func serveFences() {
        guard let posted = signals.takeFences() else { return }
        if posted.instruction { apply(.instruction) }
        if let memory = posted.memory { apply(memory) }
        if posted.stores { spaces.forgetStores() }
        signals.acknowledge(posted.ticket)
    }

    private func apply(_ fence: RemoteFence) {
        switch fence {
        case .instruction: fenceInstruction()
        case .range(let start, let size, let asid): fenceRange(start, size, asid, .host)
        case .guestVirtual(let start, let size, let asid, let vmid): fenceRange(start, size, asid, .guests(vmid: vmid))
        case .guestPhysical(let vmid): fenceGuestPhysical(vmid: vmid)
        case .everything:
            emptyTranslations()
            refreshRegime()
        }
    }

    private func fenceRange(_ start: UInt64, _ size: UInt64, _ asid: UInt64?, _ owner: AddressSpaces.Owner) {
        // Beyond this many pages one sweep is cheaper.
        if size == ~0 || size > 64 << 12 || (start == 0 && size == 0) {
            fenceVMA(address: nil, asid: asid, of: owner)
            return
        }
        // Counted, not compared: the range may end where the address space does.
        let pages = size == 0 ? 0 : ((start & 0xFFF) &+ size &+ 0xFFF) &>> 12
        for i in 0..<pages { fenceVMA(address: (start & ~0xFFF) &+ i &<< 12, asid: asid, of: owner) }
    }
}
