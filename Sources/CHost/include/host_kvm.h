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
    HOST_KVM_CAP_IRQCHIP = 0,
    HOST_KVM_CAP_NR_MEMSLOTS = 10,
    HOST_KVM_CAP_SET_GUEST_DEBUG = 23,
    HOST_KVM_CAP_IRQ_ROUTING = 25,
    HOST_KVM_CAP_IRQFD = 32,
    HOST_KVM_CAP_IOEVENTFD = 36,
    HOST_KVM_CAP_MAX_VCPUS = 66,
    HOST_KVM_CAP_SIGNAL_MSI = 77,
    HOST_KVM_CAP_READONLY_MEM = 81,
    HOST_KVM_CAP_DEVICE_CTRL = 89,
    HOST_KVM_CAP_IMMEDIATE_EXIT = 136,
    HOST_KVM_CAP_VM_GPA_BITS = 207,
    HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL = 223,
};

// Of a machine. A slot of size 0 goes away.
int host_kvm_set_slot(int machine, uint32_t slot, bool read_only, bool dirty_log, uint64_t base, uint64_t size, void *_Nullable host);
// KVM_ENABLE_CAP, with its first argument.
int host_kvm_enable_capability(int machine, enum host_kvm_capability_number capability, uint64_t argument);
// A bit for each 4 KiB page written since the last call, and the bits are cleared: KVM_GET_DIRTY_LOG.
int host_kvm_dirty_log(int machine, uint32_t slot, void *_Nonnull bitmap);
int host_kvm_create_vcpu(int machine, unsigned long id);
// KVM_IOEVENTFD; `remove` takes it back. `value` counts when `matches`.
int host_kvm_ioeventfd(int machine, uint64_t address, uint32_t width, bool matches, uint64_t value, int eventfd, bool remove);
// Takes the entries of all vCPUs' rings that host_kvm_take_dirty has been given: KVM_RESET_DIRTY_RINGS.
int host_kvm_reset_rings(int machine);
// KVM_SIGNAL_MSI.
int host_kvm_signal_msi(int machine, uint64_t address, uint32_t data);
// KVM_IRQFD: `eventfd` raises interrupt `gsi`; `remove` takes it back.
int host_kvm_irqfd(int machine, int eventfd, uint32_t gsi, bool remove);
typedef struct host_kvm_route {
    uint64_t address;
    uint32_t gsi, data;
} host_kvm_route;
// KVM_SET_GSI_ROUTING with these MSIs, and nothing else.
int host_kvm_set_routes(int machine, const host_kvm_route *_Nullable routes, uint32_t count);

// Devices in the kernel.
enum host_kvm_device {
    HOST_KVM_DEVICE_RISCV_AIA = 11,
};
// KVM_CREATE_DEVICE: its descriptor.
int host_kvm_create_device(int machine, enum host_kvm_device type);
int host_kvm_set_attribute(int device, uint32_t group, uint64_t attribute, const void *_Nullable value);
int host_kvm_get_attribute(int device, uint32_t group, uint64_t attribute, void *_Nonnull value);

// Of a vCPU.
typedef struct host_kvm_run host_kvm_run;
// Maps the shared page; NULL with errno in `*error`.
host_kvm_run *_Nullable host_kvm_map_run(int vcpu, size_t size, int *_Nonnull error);
void host_kvm_unmap_run(host_kvm_run *_Nonnull run, size_t size);
int host_kvm_enter(int vcpu);
int host_kvm_get_register(int vcpu, uint64_t id, void *_Nonnull value);
int host_kvm_set_register(int vcpu, uint64_t id, const void *_Nonnull value);
// KVM_GET_REG_LIST: list[0] is how many ids there is room for behind it, and then how many there are, with -E2BIG
// where those are more.
int host_kvm_register_list(int vcpu, uint64_t *_Nonnull list);
// KVM_GET_MP_STATE and KVM_SET_MP_STATE.
int host_kvm_power_state(int vcpu, uint32_t *_Nonnull state);
int host_kvm_set_power_state(int vcpu, uint32_t state);
// KVM_SET_GUEST_DEBUG: breakpoint instructions leave the guest.
int host_kvm_set_debugging(int vcpu, bool on);
// Maps the vCPU's ring of `size` bytes; NULL with errno in `*error`.
void *_Nullable host_kvm_map_ring(int vcpu, size_t size, int *_Nonnull error);
void host_kvm_unmap_ring(void *_Nonnull ring, size_t size);
// The page that entry `index` names, and gives the entry back to the kernel. False when it names none yet.
bool host_kvm_take_dirty(void *_Nonnull ring, uint32_t index, uint32_t *_Nonnull slot, uint64_t *_Nonnull page);
// Bytes of an entry.
size_t host_kvm_ring_entry(void);
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
    HOST_KVM_EXIT_DIRTY_RING_FULL = 31,
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
// KVM_EXIT_FAIL_ENTRY's hardware_entry_failure_reason.
uint64_t host_kvm_exit_refusal(const host_kvm_run *_Nonnull run);

// Signals that kick a vCPU out of the guest.

// The calling thread takes them from now on; they do nothing but interrupt. Its id, for host_kvm_interrupt_thread.
int host_kvm_accept_kicks(void);
void host_kvm_interrupt_thread(int thread);

// For tests on an x86-64 host: real mode, everything flat from 0, at `ip`. -ENOSYS elsewhere.
int host_kvm_start_real_mode(int vcpu, uint64_t ip);
#endif
