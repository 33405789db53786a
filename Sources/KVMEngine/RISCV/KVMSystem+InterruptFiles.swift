import CHost

extension KVMSystem {
    /// Whether a vCPU that sleeps in wfi is woken by its interrupt file wherever the host's scheduler takes its thread.
    ///
    /// In Linux 6.12 it isn't: kvm_vcpu_block asks hgeip, and sets hgeie, of the core that it is on (aia_find_hgei),
    /// while the guest file belongs to the core that ran the vCPU last. Where the thread has changed cores in between,
    /// the vCPU sleeps until something else wakes it, so the thread has to stay on its core. Files in software
    /// (KVM_DEV_RISCV_AIA_MODE_EMUL) are no way out: a guest can't enable half of their identities, since
    /// imsic_mrif_atomic_rmw writes 32 bits. KVM doesn't say what it has mended. What has rings of written pages, new
    /// in 6.17, has.
    var wakesAnywhere: Bool { capability(HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL) > 0 }
}
