/// A page that a vCPU wrote, as its ring tells it (`struct kvm_dirty_gfn`).
package struct DirtyPage: Equatable, Hashable, Sendable {
    package var slot: Int
    /// In pages of 4 KiB from the slot's start.
    package var page: UInt64

    package init(slot: Int, page: UInt64) {
        self.slot = slot
        self.page = page
    }
}
