import CHost
import ExecutionEngine

extension KVMSpace {
    /// Refuses rings that this host's KVM can't make.
    static func check(_ ringSize: Int, _ system: KVMSystem) throws(EngineError) {
        let most = system.capability(HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL)
        guard most > 0 else {
            throw .unsupported("this host's KVM has no rings of written pages (KVM_CAP_DIRTY_LOG_RING_ACQ_REL; on RISC-V since Linux 6.17)")
        }
        guard ringSize >= 4096, ringSize.nonzeroBitCount == 1 else {
            throw .invalid("a ring of written pages has a power of two of bytes, 4096 at least, and not \(ringSize)")
        }
        guard ringSize <= most else { throw .unsupported("this host's KVM has rings of \(most) bytes at most, and not of \(ringSize)") }
    }

    /// Makes room for what has been taken out of rings, and has those pages count as clean.
    func resetRings() throws(EngineError) {
        let status = host_kvm_reset_rings(descriptor)
        guard status >= 0 else { throw .kvm("KVM takes back no entries of rings", -status) }
    }
}
