import CHost
import ExecutionEngine
import GuestMemory
import Synchronization

/// A machine of KVM's before it has an architecture: memory slots, doorbells, the dirty log.
///
/// Any thread may call it; the kernel's own locks guard what vCPUs that run see of it.
package final class KVMSpace {
    /// A slot as the kernel has it.
    struct Slot {
        let size: UInt64
        let host: UnsafeMutableRawPointer
        let readOnly: Bool
        /// Nil while it is out of the guest's sight.
        var base: UInt64?
        var isLogged = false
        /// What the kernel's log knew when the slot went out of sight; as `takeWrites` gives it, or empty.
        var keptLog: [UInt64] = []

        /// Words of its log.
        var words: Int { Int((size >> 12 + 63) / 64) }
    }

    let descriptor: Int32
    let runSize: Int
    /// Bits of a guest physical address.
    let addressBits: Int
    /// Bytes of each vCPU's ring of written pages; nil without.
    let ringSize: Int?
    /// vCPU 0, when it exists and nobody has taken it; otherwise -1.
    private var firstVCPU: Int32
    /// Slot n is the kernel's slot n. Keeps the memory alive as long as the kernel has it.
    let memory: GuestMemory
    let lock = KVMLock()
    /// Guarded by `lock`.
    var slots: [Slot] = []
    /// See `changes`.
    let changeCount = Atomic<UInt64>(0)

    /// Makes a machine over the slots of `memory`, whose vCPUs have rings of `ringSize` bytes if that is given.
    package init(_ system: KVMSystem, _ memory: GuestMemory, ringSize: Int? = nil) throws(EngineError) {
        self.memory = memory
        self.ringSize = ringSize
        let bits = system.capability(HOST_KVM_CAP_VM_GPA_BITS)
        // Where KVM doesn't say, as on x86, no host has fewer.
        addressBits = bits > 0 ? min(bits, 56) : 36
        runSize = try system.runSize()
        if let ringSize { try Self.check(ringSize, system) }
        // Rings are asked for before the first vCPU is made.
        let spare = ringSize == nil ? system.takeSpare() : nil
        firstVCPU = spare?.vcpu ?? -1
        let made = spare?.machine ?? host_kvm_create_machine(system.descriptor)
        guard made >= 0 else { throw .kvm("/dev/kvm makes no machine", -made) }
        descriptor = made
        if let ringSize {
            let status = host_kvm_enable_capability(descriptor, HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL, UInt64(ringSize))
            guard status >= 0 else { throw .kvm("KVM makes no rings of \(ringSize) bytes", -status) }
        }
        for slot in memory.slots {
            slots.append(Slot(size: slot.size, host: slot.host, readOnly: slot.readOnly, base: slot.isInSight ? slot.base : nil))
        }
        for number in slots.indices where slots[number].base != nil { try setSlot(number) }
    }

    deinit {
        if firstVCPU >= 0 { host_close(firstVCPU) }
        host_close(descriptor)
    }

    /// The descriptor of a new vCPU, or -errno.
    func makeVCPU(_ id: Int) -> Int32 {
        guard id == 0, firstVCPU >= 0 else { return host_kvm_create_vcpu(descriptor, UInt(id)) }
        defer { firstVCPU = -1 }
        return firstVCPU
    }

    /// Tells the kernel where a slot is, and whether it is logged.
    func setSlot(_ number: Int) throws(EngineError) {
        let slot = slots[number]
        let status = changing {
            host_kvm_set_slot(
                descriptor, UInt32(number), slot.readOnly, slot.isLogged && slot.base != nil, slot.base ?? 0,
                slot.base == nil ? 0 : slot.size, slot.host)
        }
        guard status < 0 else { return }
        let base = slot.base ?? 0
        // RISC-V's word for an address that it has no page tables for.
        if -status == KVMError.fault {
            throw .invalid("this host's KVM gives a guest \(addressBits) bits of addresses; 0x\(String(base, radix: 16)) is beyond")
        }
        throw .kvm("KVM takes no \(slot.size >> 10) KiB of guest memory at 0x\(String(base, radix: 16))", -status)
    }

    /// `number`, when a slot has it.
    func checked(_ number: Int) throws(EngineError) -> Int {
        guard slots.indices.contains(number) else { throw .missing("there is no memory slot \(number)") }
        return number
    }
}
