#ifndef HOST_KVM_H
#define HOST_KVM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
// KVM's ioctls as calls, numbers and layouts included. Unless it says otherwise a call returns what the ioctl
// does, or -errno.

// 1 when this host's KVM runs riscv64 guests.
int host_is_riscv64(void);

// Of /dev/kvm.
int host_kvm_open(void);
// The API version of the /dev/kvm behind `fd` (12 since 2007).
int host_kvm_api_version(int fd);
// KVM_CHECK_EXTENSION, of /dev/kvm or of a machine: 0 when it isn't there.
int host_kvm_capability(int fd, long capability);
int host_kvm_create_machine(int fd);
// Bytes of a vCPU's shared page.
int host_kvm_run_size(int fd);

enum host_kvm_capability_number {
    HOST_KVM_CAP_MAX_VCPUS = 66,
    HOST_KVM_CAP_READONLY_MEM = 81,
    HOST_KVM_CAP_IMMEDIATE_EXIT = 136,
};

// Of a machine. A slot of size 0 goes away.
int host_kvm_set_slot(int machine, uint32_t slot, bool read_only, bool dirty_log, uint64_t base, uint64_t size, void *_Nullable host);
// A bit for each 4 KiB page written since the last call, and the bits are cleared: KVM_GET_DIRTY_LOG.
int host_kvm_dirty_log(int machine, uint32_t slot, void *_Nonnull bitmap);
int host_kvm_create_vcpu(int machine, unsigned long id);
// KVM_IOEVENTFD; `remove` takes it back. `value` counts when `matches`.
int host_kvm_ioeventfd(int machine, uint64_t address, uint32_t width, bool matches, uint64_t value, int eventfd, bool remove);

// Of a vCPU.
typedef struct host_kvm_run host_kvm_run;
// Maps the shared page; NULL with errno in `*error`.
host_kvm_run *_Nullable host_kvm_map_run(int vcpu, size_t size, int *_Nonnull error);
void host_kvm_unmap_run(host_kvm_run *_Nonnull run, size_t size);
int host_kvm_enter(int vcpu);
int host_kvm_get_register(int vcpu, uint64_t id, void *_Nonnull value);
int host_kvm_set_register(int vcpu, uint64_t id, const void *_Nonnull value);
// RISC-V's KVM_INTERRUPT: the level of the supervisor external interrupt. From any thread.
int host_kvm_set_interrupt(int vcpu, bool level);

// The next entry returns at once, with EINTR. Reset by whoever answers for the kick. From any thread.
void host_kvm_request_exit(host_kvm_run *_Nonnull run);
// Whether it was requested; takes the request back.
bool host_kvm_take_exit_request(host_kvm_run *_Nonnull run);

enum host_kvm_exit_reason {
    HOST_KVM_EXIT_DEBUG = 4,
    HOST_KVM_EXIT_HLT = 5,
    HOST_KVM_EXIT_MMIO = 6,
    HOST_KVM_EXIT_FAIL_ENTRY = 9,
    HOST_KVM_EXIT_INTR = 10,
    HOST_KVM_EXIT_INTERNAL_ERROR = 17,
    HOST_KVM_EXIT_SYSTEM_EVENT = 24,
    HOST_KVM_EXIT_RISCV_SBI = 35,
    HOST_KVM_EXIT_RISCV_CSR = 36,
};
uint32_t host_kvm_exit_reason(const host_kvm_run *_Nonnull run);
typedef struct host_kvm_mmio {
    uint64_t address;
    // The low `width` bytes, as the guest's little-endian store has them.
    uint64_t value;
    uint32_t width;
    bool is_write;
} host_kvm_mmio;
host_kvm_mmio host_kvm_exit_mmio(const host_kvm_run *_Nonnull run);
void host_kvm_answer_mmio(host_kvm_run *_Nonnull run, uint64_t value);
typedef struct host_kvm_sbi {
    uint64_t extension, function, a0, a1, a2, a3, a4, a5;
} host_kvm_sbi;
host_kvm_sbi host_kvm_exit_sbi(const host_kvm_run *_Nonnull run);
void host_kvm_answer_sbi(host_kvm_run *_Nonnull run, uint64_t error, uint64_t value);
typedef struct host_kvm_csr {
    uint64_t number, new_value, write_mask;
} host_kvm_csr;
host_kvm_csr host_kvm_exit_csr(const host_kvm_run *_Nonnull run);
void host_kvm_answer_csr(host_kvm_run *_Nonnull run, uint64_t value);
typedef struct host_kvm_event {
    uint32_t type;
    uint64_t data;
} host_kvm_event;
host_kvm_event host_kvm_exit_event(const host_kvm_run *_Nonnull run);

// Signals that kick a vCPU out of the guest.

// The calling thread takes them from now on; they do nothing but interrupt. Its id, for host_kvm_interrupt_thread.
int host_kvm_accept_kicks(void);
void host_kvm_interrupt_thread(int thread);

// For tests on an x86-64 host: real mode, everything flat from 0, at `ip`. -ENOSYS elsewhere.
int host_kvm_start_real_mode(int vcpu, uint64_t ip);
#endif
