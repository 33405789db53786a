import CHost
import ExecutionEngine

/// A vCPU's ring of written pages (KVM's `Documentation/virt/kvm/api.rst`, "KVM_CAP_DIRTY_LOG_RING"). Belongs to
/// whoever runs the vCPU.
final class KVMRing {
    private let base: UnsafeMutableRawPointer
    private let size: Int
    private let entries: UInt32
    /// Entry to look at next.
    private var next: UInt32 = 0

    init(vcpu: Int32, size: Int) throws(EngineError) {
        var error: Int32 = 0
        guard let base = host_kvm_map_ring(vcpu, size, &error) else {
            throw .host("a vCPU's ring of written pages can't be mapped", errno: error)
        }
        self.base = base
        self.size = size
        entries = UInt32(truncatingIfNeeded: size / host_kvm_ring_entry())
    }

    deinit { host_kvm_unmap_ring(base, size) }

    /// Everything that is in it, oldest first.
    func take() -> [DirtyPage] {
        var pages: [DirtyPage] = []
        var slot: UInt32 = 0
        var page: UInt64 = 0
        // As many as it has at most: a vCPU that runs may fill it behind us.
        while pages.count < Int(entries), host_kvm_take_dirty(base, next, &slot, &page) {
            pages.append(DirtyPage(slot: Int(slot), page: page))
            next = (next &+ 1) & (entries &- 1)
        }
        return pages
    }
}
