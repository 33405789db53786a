#define _GNU_SOURCE
#include "host_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The numbers in our header are the kernel's.
_Static_assert(HOST_KVM_CAP_IRQCHIP == KVM_CAP_IRQCHIP, "");
_Static_assert(HOST_KVM_CAP_NR_MEMSLOTS == KVM_CAP_NR_MEMSLOTS, "");
#ifdef KVM_CAP_SET_GUEST_DEBUG
_Static_assert(HOST_KVM_CAP_SET_GUEST_DEBUG == KVM_CAP_SET_GUEST_DEBUG, "");
#endif
_Static_assert(HOST_KVM_CAP_IRQ_ROUTING == KVM_CAP_IRQ_ROUTING, "");
_Static_assert(HOST_KVM_CAP_IRQFD == KVM_CAP_IRQFD, "");
_Static_assert(HOST_KVM_CAP_IOEVENTFD == KVM_CAP_IOEVENTFD, "");
_Static_assert(HOST_KVM_CAP_SIGNAL_MSI == KVM_CAP_SIGNAL_MSI, "");
_Static_assert(HOST_KVM_CAP_DEVICE_CTRL == KVM_CAP_DEVICE_CTRL, "");
_Static_assert(HOST_KVM_CAP_VM_GPA_BITS == KVM_CAP_VM_GPA_BITS, "");
_Static_assert(HOST_KVM_CAP_DIRTY_LOG_RING_ACQ_REL == KVM_CAP_DIRTY_LOG_RING_ACQ_REL, "");
// The next number after the last one that older headers have.
_Static_assert(HOST_KVM_DEVICE_RISCV_AIA == KVM_DEV_TYPE_ARM_PV_TIME + 1, "");
_Static_assert(HOST_KVM_EXIT_DIRTY_RING_FULL == KVM_EXIT_DIRTY_RING_FULL, "");
_Static_assert(HOST_KVM_CAP_MAX_VCPUS == KVM_CAP_MAX_VCPUS, "");
_Static_assert(HOST_KVM_CAP_READONLY_MEM == KVM_CAP_READONLY_MEM, "");
_Static_assert(HOST_KVM_CAP_IMMEDIATE_EXIT == KVM_CAP_IMMEDIATE_EXIT, "");
_Static_assert(HOST_KVM_EXIT_DEBUG == KVM_EXIT_DEBUG, "");
_Static_assert(HOST_KVM_EXIT_HLT == KVM_EXIT_HLT, "");
_Static_assert(HOST_KVM_EXIT_MMIO == KVM_EXIT_MMIO, "");
_Static_assert(HOST_KVM_EXIT_FAIL_ENTRY == KVM_EXIT_FAIL_ENTRY, "");
_Static_assert(HOST_KVM_EXIT_INTR == KVM_EXIT_INTR, "");
_Static_assert(HOST_KVM_EXIT_INTERNAL_ERROR == KVM_EXIT_INTERNAL_ERROR, "");
_Static_assert(HOST_KVM_EXIT_SYSTEM_EVENT == KVM_EXIT_SYSTEM_EVENT, "");
_Static_assert(HOST_KVM_EXIT_RISCV_SBI == KVM_EXIT_RISCV_SBI, "");
_Static_assert(HOST_KVM_EXIT_RISCV_CSR == KVM_EXIT_RISCV_CSR, "");

static int result(int value) { return value < 0 ? -errno : value; }

int host_is_riscv64(void) {
#if defined(__riscv) && __riscv_xlen == 64
    return 1;
#else
    return 0;
#endif
}

int host_kvm_open(void) { return result(open("/dev/kvm", O_RDWR | O_CLOEXEC)); }
int host_kvm_api_version(int fd) { return result(ioctl(fd, KVM_GET_API_VERSION, 0)); }
int host_kvm_capability(int fd, long capability) { return result(ioctl(fd, KVM_CHECK_EXTENSION, capability)); }
int host_kvm_create_machine(int fd) { return result(ioctl(fd, KVM_CREATE_VM, 0)); }
int host_kvm_run_size(int fd) { return result(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0)); }

int host_kvm_set_slot(int machine, uint32_t slot, bool read_only, bool dirty_log, uint64_t base, uint64_t size, void *host) {
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .flags = (read_only ? KVM_MEM_READONLY : 0) | (dirty_log ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = base,
        .memory_size = size,
        .userspace_addr = (uintptr_t)host,
    };
    return result(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region));
}
int host_kvm_dirty_log(int machine, uint32_t slot, void *bitmap) {
    struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };
    return result(ioctl(machine, KVM_GET_DIRTY_LOG, &log));
}
int host_kvm_enable_capability(int machine, enum host_kvm_capability_number capability, uint64_t argument) {
    struct kvm_enable_cap request = { .cap = capability, .args = { argument } };
    return result(ioctl(machine, KVM_ENABLE_CAP, &request));
}
int host_kvm_reset_rings(int machine) { return result(ioctl(machine, KVM_RESET_DIRTY_RINGS, 0)); }
int host_kvm_signal_msi(int machine, uint64_t address, uint32_t data) {
    struct kvm_msi msi = { .address_lo = (uint32_t)address, .address_hi = (uint32_t)(address >> 32), .data = data };
    return result(ioctl(machine, KVM_SIGNAL_MSI, &msi));
}
int host_kvm_irqfd(int machine, int eventfd, uint32_t gsi, bool remove) {
    struct kvm_irqfd request = { .fd = (uint32_t)eventfd, .gsi = gsi, .flags = remove ? KVM_IRQFD_FLAG_DEASSIGN : 0 };
    return result(ioctl(machine, KVM_IRQFD, &request));
}
int host_kvm_set_routes(int machine, const host_kvm_route *routes, uint32_t count) {
    struct kvm_irq_routing *table = calloc(1, sizeof *table + count * sizeof table->entries[0]);
    if (!table) return -ENOMEM;
    table->nr = count;
    for (uint32_t i = 0; i < count; i++) {
        struct kvm_irq_routing_entry *entry = &table->entries[i];
        entry->gsi = routes[i].gsi;
        entry->type = KVM_IRQ_ROUTING_MSI;
        entry->u.msi.address_lo = (uint32_t)routes[i].address;
        entry->u.msi.address_hi = (uint32_t)(routes[i].address >> 32);
        entry->u.msi.data = routes[i].data;
    }
    int status = result(ioctl(machine, KVM_SET_GSI_ROUTING, table));
    free(table);
    return status;
}
int host_kvm_create_device(int machine, enum host_kvm_device type) {
    struct kvm_create_device request = { .type = type };
    if (ioctl(machine, KVM_CREATE_DEVICE, &request) < 0) return -errno;
    return (int)request.fd;
}
int host_kvm_set_attribute(int device, uint32_t group, uint64_t attribute, const void *value) {
    struct kvm_device_attr request = { .group = group, .attr = attribute, .addr = (uintptr_t)value };
    return result(ioctl(device, KVM_SET_DEVICE_ATTR, &request));
}
int host_kvm_get_attribute(int device, uint32_t group, uint64_t attribute, void *value) {
    struct kvm_device_attr request = { .group = group, .attr = attribute, .addr = (uintptr_t)value };
    return result(ioctl(device, KVM_GET_DEVICE_ATTR, &request));
}
int host_kvm_create_vcpu(int machine, unsigned long id) { return result(ioctl(machine, KVM_CREATE_VCPU, id)); }
int host_kvm_ioeventfd(int machine, uint64_t address, uint32_t width, bool matches, uint64_t value, int eventfd, bool remove) {
    struct kvm_ioeventfd doorbell = {
        .datamatch = value,
        .addr = address,
        .len = width,
        .fd = eventfd,
        .flags = (matches ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) | (remove ? KVM_IOEVENTFD_FLAG_DEASSIGN : 0),
    };
    return result(ioctl(machine, KVM_IOEVENTFD, &doorbell));
}

static struct kvm_run *page(host_kvm_run *run) { return (struct kvm_run *)run; }
static const struct kvm_run *seen(const host_kvm_run *run) { return (const struct kvm_run *)run; }

host_kvm_run *host_kvm_map_run(int vcpu, size_t size, int *error) {
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (base == MAP_FAILED) { *error = errno; return NULL; }
    return base;
}
void host_kvm_unmap_run(host_kvm_run *run, size_t size) { munmap(run, size); }
int host_kvm_enter(int vcpu) { return result(ioctl(vcpu, KVM_RUN, 0)); }
int host_kvm_get_register(int vcpu, uint64_t id, void *value) {
    struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };
    return result(ioctl(vcpu, KVM_GET_ONE_REG, &reg));
}
int host_kvm_set_register(int vcpu, uint64_t id, const void *value) {
    struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };
    return result(ioctl(vcpu, KVM_SET_ONE_REG, &reg));
}
int host_kvm_register_list(int vcpu, uint64_t *list) {
    _Static_assert(offsetof(struct kvm_reg_list, reg) == sizeof *list, "");
    return result(ioctl(vcpu, KVM_GET_REG_LIST, list));
}
int host_kvm_power_state(int vcpu, uint32_t *state) {
    struct kvm_mp_state answer = { 0 };
    if (ioctl(vcpu, KVM_GET_MP_STATE, &answer) < 0) return -errno;
    *state = answer.mp_state;
    return 0;
}
int host_kvm_set_power_state(int vcpu, uint32_t state) {
    struct kvm_mp_state wanted = { .mp_state = state };
    return result(ioctl(vcpu, KVM_SET_MP_STATE, &wanted));
}
int host_kvm_set_debugging(int vcpu, bool on) {
    struct kvm_guest_debug wanted = { .control = on ? KVM_GUESTDBG_ENABLE : 0 };
    return result(ioctl(vcpu, KVM_SET_GUEST_DEBUG, &wanted));
}
void *host_kvm_map_ring(int vcpu, size_t size, int *error) {
    // KVM_DIRTY_LOG_PAGE_OFFSET of every architecture that has rings; old headers of RISC-V's lack it.
    off_t offset = 64 * sysconf(_SC_PAGESIZE);
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, offset);
    if (base == MAP_FAILED) { *error = errno; return NULL; }
    return base;
}
void host_kvm_unmap_ring(void *ring, size_t size) { munmap(ring, size); }
size_t host_kvm_ring_entry(void) { return sizeof(struct kvm_dirty_gfn); }
bool host_kvm_take_dirty(void *ring, uint32_t index, uint32_t *slot, uint64_t *page) {
    struct kvm_dirty_gfn *entry = (struct kvm_dirty_gfn *)ring + index;
    // The kernel writes the flags last, and we do.
    if ((__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_MASK) != KVM_DIRTY_GFN_F_DIRTY) return false;
    // Above the slot's number stands that of the address space, of which there is one.
    *slot = entry->slot & 0xFFFF;
    *page = entry->offset;
    __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    return true;
}
int host_kvm_set_interrupt(int vcpu, bool level) {
    // KVM_INTERRUPT_SET and KVM_INTERRUPT_UNSET of RISC-V's asm/kvm.h.
    struct kvm_interrupt interrupt = { .irq = level ? -1U : -2U };
    return result(ioctl(vcpu, KVM_INTERRUPT, &interrupt));
}

void host_kvm_request_exit(host_kvm_run *run) { __atomic_store_n(&page(run)->immediate_exit, 1, __ATOMIC_SEQ_CST); }
bool host_kvm_take_exit_request(host_kvm_run *run) { return __atomic_exchange_n(&page(run)->immediate_exit, 0, __ATOMIC_SEQ_CST); }

uint32_t host_kvm_exit_reason(const host_kvm_run *run) { return seen(run)->exit_reason; }
host_kvm_mmio host_kvm_exit_mmio(const host_kvm_run *run) {
    host_kvm_mmio exit = {
        .address = seen(run)->mmio.phys_addr, .width = seen(run)->mmio.len, .is_write = seen(run)->mmio.is_write
    };
    // Both hosts are little-endian.
    memcpy(&exit.value, seen(run)->mmio.data, exit.width < sizeof exit.value ? exit.width : sizeof exit.value);
    return exit;
}
void host_kvm_answer_mmio(host_kvm_run *run, uint64_t value) { memcpy(page(run)->mmio.data, &value, sizeof value); }
host_kvm_sbi host_kvm_exit_sbi(const host_kvm_run *run) {
    const struct kvm_run *r = seen(run);
    return (host_kvm_sbi){
        r->riscv_sbi.extension_id, r->riscv_sbi.function_id, r->riscv_sbi.args[0], r->riscv_sbi.args[1],
        r->riscv_sbi.args[2], r->riscv_sbi.args[3], r->riscv_sbi.args[4], r->riscv_sbi.args[5],
    };
}
void host_kvm_answer_sbi(host_kvm_run *run, uint64_t error, uint64_t value) {
    page(run)->riscv_sbi.ret[0] = error;
    page(run)->riscv_sbi.ret[1] = value;
}
host_kvm_csr host_kvm_exit_csr(const host_kvm_run *run) {
    return (host_kvm_csr){seen(run)->riscv_csr.csr_num, seen(run)->riscv_csr.new_value, seen(run)->riscv_csr.write_mask};
}
void host_kvm_answer_csr(host_kvm_run *run, uint64_t value) { page(run)->riscv_csr.ret_value = value; }
host_kvm_event host_kvm_exit_event(const host_kvm_run *run) {
    const struct kvm_run *r = seen(run);
    return (host_kvm_event){ .type = r->system_event.type, .data = r->system_event.ndata > 0 ? r->system_event.data[0] : 0 };
}
uint64_t host_kvm_exit_refusal(const host_kvm_run *run) { return seen(run)->fail_entry.hardware_entry_failure_reason; }

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void ignore(int signal) { (void)signal; }
static void install(void) {
    struct sigaction action = { .sa_handler = ignore };
    sigfillset(&action.sa_mask);
    sigaction(SIGRTMIN, &action, NULL);
}
int host_kvm_accept_kicks(void) {
    // Asked for at every entry of the guest; a thread keeps its mask and its id.
    static _Thread_local int thread;
    if (thread) return thread;
    pthread_once(&once, install);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return thread = (int)syscall(SYS_gettid);
}
void host_kvm_interrupt_thread(int thread) { syscall(SYS_tgkill, getpid(), thread, SIGRTMIN); }

int host_kvm_start_real_mode(int vcpu, uint64_t ip) {
#if defined(__x86_64__)
    struct kvm_sregs special;
    if (ioctl(vcpu, KVM_GET_SREGS, &special) < 0) return -errno;
    special.cs.base = 0;
    special.cs.selector = 0;
    if (ioctl(vcpu, KVM_SET_SREGS, &special) < 0) return -errno;
    struct kvm_regs general = { .rip = ip, .rflags = 2 };
    return result(ioctl(vcpu, KVM_SET_REGS, &general));
#else
    (void)vcpu;
    (void)ip;
    return -ENOSYS;
#endif
}
