import CHost
import ExecutionEngine
import GuestMemory

/// A machine of KVM's before it has an architecture: memory slots, doorbells, the dirty log.
///
/// Not thread-safe; the kernel's own locks guard what vCPUs that run see of it.
package final class KVMSpace {
    let descriptor: Int32
    let runSize: Int
    /// vCPU 0, when it exists and nobody has taken it; otherwise -1.
    private var firstVCPU: Int32
    /// Slot n is the kernel's slot n. Keeps the memory alive as long as the kernel has it.
    let memory: GuestMemory

    /// Makes a machine over the slots of `memory`.
    package init(_ system: KVMSystem, _ memory: GuestMemory) throws(EngineError) {
        self.memory = memory
        let wanted = try system.runSize()
        let spare = system.takeSpare()
        firstVCPU = spare?.vcpu ?? -1
        let made = spare?.machine ?? host_kvm_create_machine(system.descriptor)
        guard made >= 0 else { throw .kvm("/dev/kvm makes no machine", -made) }
        descriptor = made
        runSize = wanted
        for number in memory.slots.indices { try setSlot(number, dirtyLog: false) }
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

    private func setSlot(_ number: Int, dirtyLog: Bool) throws(EngineError) {
        let slot = memory.slots[number]
        let status = host_kvm_set_slot(
            descriptor, UInt32(number), slot.readOnly, dirtyLog, slot.base, slot.size, slot.host)
        guard status >= 0 else {
            throw .kvm("KVM takes no \(slot.size >> 10) KiB of guest memory at 0x\(String(slot.base, radix: 16))", -status)
        }
    }

    // MARK: Doorbells

    /// See `VirtualMachine.addDoorbell`.
    package func addDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        let status = host_kvm_ioeventfd(descriptor, address, UInt32(width), value != nil, value ?? 0, eventfd, false)
        if status == -KVMError.exists { throw .busy("there is a doorbell at 0x\(String(address, radix: 16)) already") }
        guard status >= 0 else { throw .kvm("KVM takes no doorbell at 0x\(String(address, radix: 16))", -status) }
    }

    /// See `VirtualMachine.removeDoorbell`.
    package func removeDoorbell(address: UInt64, width: Int, value: UInt64?, eventfd: Int32) throws(EngineError) {
        let status = host_kvm_ioeventfd(descriptor, address, UInt32(width), value != nil, value ?? 0, eventfd, true)
        guard status >= 0 else { throw .kvm("the doorbell at 0x\(String(address, radix: 16))", -status) }
    }

    // MARK: Dirty log

    /// Starts or ends the log of writes to a slot. Starting it twice is no error.
    package func logWrites(slot: Int, _ isOn: Bool) throws(EngineError) {
        guard memory.slots.indices.contains(slot) else { throw .missing("there is no memory slot \(slot)") }
        try setSlot(slot, dirtyLog: isOn)
    }

    /// The pages of a slot that were written since the last call, a bit for each 4 KiB from the slot's start;
    /// they count as clean from now on.
    package func takeWrites(slot: Int) throws(EngineError) -> [UInt64] {
        guard memory.slots.indices.contains(slot) else { throw .missing("there is no memory slot \(slot)") }
        let pages = Int(memory.slots[slot].size >> 12)
        var bitmap = [UInt64](repeating: 0, count: (pages + 63) / 64)
        let status = bitmap.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { host_kvm_dirty_log(descriptor, UInt32(slot), $0) } ?? 0
        }
        guard status >= 0 else { throw .kvm("the log of writes to slot \(slot)", -status) }
        return bitmap
    }
}
