#define _GNU_SOURCE
#include "host_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The numbers in our header are the kernel's.
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
