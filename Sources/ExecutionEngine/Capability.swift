/// What engines have or lack, or have so much of: KVM_CHECK_EXTENSION's answers, of what a caller asks before it
/// relies on it.
package enum Capability: CaseIterable, Equatable, Sendable {
    /// How many vCPUs a machine may have (KVM_CAP_MAX_VCPUS).
    case processors
    /// How many memory slots (KVM_CAP_NR_MEMSLOTS).
    case memorySlots
    /// Bits of a guest physical address (KVM_CAP_VM_GPA_BITS).
    case guestAddressBits
    /// 1: slots that the guest can't write (KVM_CAP_READONLY_MEM).
    case readOnlyMemory
    /// 1: `addDoorbell` (KVM_CAP_IOEVENTFD).
    case doorbells
    /// 1: interrupt files in the engine, and MSIs to them (KVM_CAP_IRQCHIP, KVM_CAP_SIGNAL_MSI).
    case interruptFiles
    /// 1: `addInterruptDoorbell` on a machine with interrupt files (KVM_CAP_IRQFD, KVM_CAP_IRQ_ROUTING).
    case interruptDoorbells
    /// Bytes of the largest ring of written pages a vCPU can have (KVM_CAP_DIRTY_LOG_RING_ACQ_REL); 0: there is
    /// the log only.
    case dirtyRing
    /// 1: `setDebugging` (KVM_CAP_SET_GUEST_DEBUG).
    case debugging
    /// 1: machines whose harts start in M-mode.
    case firmware
}
