/* usage: monitor [-c CPUS] [-m MIB] [-i INITRD]... [-a BOOTARGS] [OPTION]... KERNEL
 *
 *   -i INITRD         several are laid one behind the other
 *   --aia[=MODE]      KVM's own AIA instead of a PLIC: emul, hwaccel, auto, or as KVM chooses
 *   --backing PAGES   guest memory of 4k, thp, 2m or 1g pages
 *   --pageout         guest memory is paged out all the time, half a MiB here and half a MiB there
 *   --dirty-log       dirty logging on and off, and a copy of memory that has to be right by the log alone */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "nested.h"

static struct machine machine = {.ram_size = 128 << 20, .cpus = 1, .bootargs = "console=ttyS0"};
static struct {
    int fd, level;
    struct kvm_run *run;
    pthread_t thread;
} cpus[MAX_CPUS];
static pthread_mutex_t devices = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t pausing = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pause_changed = PTHREAD_COND_INITIALIZER;
static int pause_wanted, standing, aside;

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "monitor: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

void set_external_interrupt(int cpu, int level)
{
    if (cpu >= machine.cpus || cpus[cpu].level == level)
        return;
    cpus[cpu].level = level;
    struct kvm_interrupt interrupt = {level ? -1u : -2u};
    if (ioctl(cpus[cpu].fd, KVM_INTERRUPT, &interrupt))
        fail("KVM_INTERRUPT: %s", strerror(errno));
}

void set_interrupt(int source, int level)
{
    static int levels[AIA_SOURCES + 1];
    if (!machine.identities) {
        plic_set(source, level);
    } else if (levels[source] != level) {
        levels[source] = level;
        aia_set(source, level);
    }
}

/* A processor leaves KVM_RUN by a signal, and doesn't enter it again when the signal comes a moment too early. */
static __thread struct kvm_run *own_run;

static void leave_guest(int signal)
{
    (void)signal;
    own_run->immediate_exit = 1;
}

void pause_cpus(void)
{
    pthread_mutex_lock(&pausing);
    pause_wanted = 1;
    for (int i = 0; i < machine.cpus; i++)
        pthread_kill(cpus[i].thread, SIGUSR1);
    while (standing < machine.cpus)
        pthread_cond_wait(&pause_changed, &pausing);
    pthread_mutex_unlock(&pausing);
}

void resume_cpus(void)
{
    pthread_mutex_lock(&pausing);
    pause_wanted = 0;
    pthread_cond_broadcast(&pause_changed);
    /* The next pause shall not count those who haven't heard of this one's end. */
    while (standing > aside)
        pthread_cond_wait(&pause_changed, &pausing);
    pthread_mutex_unlock(&pausing);
}

void stand_aside(void)
{
    pthread_mutex_lock(&pausing);
    standing++;
    aside++;
    pthread_cond_broadcast(&pause_changed);
    pthread_mutex_unlock(&pausing);
}

static void stand_still_if_wanted(void)
{
    pthread_mutex_lock(&pausing);
    own_run->immediate_exit = 0;
    if (pause_wanted) {
        standing++;
        pthread_cond_broadcast(&pause_changed);
        while (pause_wanted)
            pthread_cond_wait(&pause_changed, &pausing);
        standing--;
        pthread_cond_broadcast(&pause_changed);
    }
    pthread_mutex_unlock(&pausing);
}

/* Registers by Linux's ONE_REG numbers, all of 64 bits. */
enum { CONFIG = 1, CORE = 2, TIMER = 4, ISA_EXTENSION = 7, SBI_EXTENSION = 8 };

static int access_register(int cpu, int type, int index, uint64_t *value, unsigned long request)
{
    struct kvm_one_reg one = {
        .id = 0x8030000000000000ull | (uint64_t)type << 24 | index, .addr = (uintptr_t)value};
    return ioctl(cpus[cpu].fd, request, &one);
}

static void set_register(int cpu, int type, int index, uint64_t value)
{
    if (access_register(cpu, type, index, &value, KVM_SET_ONE_REG))
        fail("register %d of type %d: %s", index, type, strerror(errno));
}

static uint64_t get_register(int cpu, int type, int index)
{
    uint64_t value = 0;
    if (access_register(cpu, type, index, &value, KVM_GET_ONE_REG))
        return 0;
    return value;
}

static uint64_t load(const char *path, uint64_t address)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status))
        fail("%s: %s", path, strerror(errno));
    uint64_t offset = address - ram_base, size = status.st_size;
    if (offset > machine.ram_size || size > machine.ram_size - offset)
        fail("%s: %llu bytes at 0x%llx don't fit into RAM", path, (unsigned long long)size, (unsigned long long)address);
    for (uint64_t done = 0; done < size;) {
        ssize_t count = read(file, machine.ram + offset + done, size - done);
        if (count <= 0)
            fail("%s: %s", path, count ? strerror(errno) : "shorter than it was");
        done += count;
    }
    close(file);
    return size;
}

static void answer_mmio(struct kvm_run *run)
{
    uint64_t address = run->mmio.phys_addr, value = 0;
    int length = run->mmio.len, writes = run->mmio.is_write;
    if (writes)
        memcpy(&value, run->mmio.data, length);
    pthread_mutex_lock(&devices);
    if (address >= uart_base && address < uart_base + 8) {
        if (writes)
            uart_write(address - uart_base, value);
        else
            value = uart_read(address - uart_base);
    } else if (address >= plic_base && address < plic_base + plic_size) {
        if (writes)
            plic_write(address - plic_base, value);
        else
            value = plic_read(address - plic_base);
    } else if (writes && address == finisher_base) {
        if (value != 0x5555)
            fail("the guest reported failure %llu", (unsigned long long)value >> 16);
        finish_dirty_log();
        exit(0);
    } else {
        fail("an access to nothing at 0x%llx", (unsigned long long)address);
    }
    pthread_mutex_unlock(&devices);
    if (!writes)
        memcpy(run->mmio.data, &value, length);
}

/* The debug console (SBI 3.0, chapter 12), which KVM leaves to user space. */
static void answer_sbi(struct kvm_run *run)
{
    if (run->riscv_sbi.extension_id != 0x4442434e)
        return;
    uint64_t count = run->riscv_sbi.args[0], address = run->riscv_sbi.args[1];
    uint8_t byte = count;
    run->riscv_sbi.ret[0] = 0;
    run->riscv_sbi.ret[1] = 0;
    if (run->riscv_sbi.function_id == 2) {
        if (write(STDOUT_FILENO, &byte, 1) != 1)
            fail("standard output is gone");
    } else if (run->riscv_sbi.function_id == 0) {
        if (address < ram_base || address - ram_base > machine.ram_size || count > machine.ram_size - (address - ram_base)) {
            run->riscv_sbi.ret[0] = -3;
            return;
        }
        run->riscv_sbi.ret[1] = write(STDOUT_FILENO, machine.ram + (address - ram_base), count);
    }
}

static void *run_cpu(void *argument)
{
    int cpu = (int)(intptr_t)argument;
    struct kvm_run *run = own_run = cpus[cpu].run;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    while (1) {
        stand_still_if_wanted();
        if (ioctl(cpus[cpu].fd, KVM_RUN, 0)) {
            /* EEXIST: while one processor was about to map a page that is logged, logging ended and another mapped the
             * whole block. The mapping is there now; should it stay in the way, the guest comes to no end. */
            if (errno == EINTR || errno == EAGAIN || errno == EEXIST)
                continue;
            fail("KVM_RUN of processor %d: %s", cpu, strerror(errno));
        }
        switch (run->exit_reason) {
        case KVM_EXIT_MMIO: answer_mmio(run); break;
        case KVM_EXIT_RISCV_SBI: answer_sbi(run); break;
        case KVM_EXIT_INTR: break;
        case KVM_EXIT_SYSTEM_EVENT:
            finish_dirty_log();
            fprintf(stderr, "monitor: the guest %s\n", run->system_event.type == 1 ? "powered off" : "asked for a reset");
            exit(0);
        default: fail("processor %d: exit reason %d", cpu, run->exit_reason);
        }
    }
}

static void *read_input(void *unused)
{
    uint8_t byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        pthread_mutex_lock(&devices);
        while (!uart_has_room()) {
            pthread_mutex_unlock(&devices);
            usleep(1000);
            pthread_mutex_lock(&devices);
        }
        uart_receive(byte);
        pthread_mutex_unlock(&devices);
    }
    return unused;
}

/* The kernel unpacks one archive after the other; each begins at a multiple of four. */
static void load_initrds(char **paths, int count)
{
    uint64_t size = 0;
    struct stat status;
    for (int i = 0; i < count; i++) {
        if (stat(paths[i], &status))
            fail("%s: %s", paths[i], strerror(errno));
        size += (status.st_size + 3) & ~3;
    }
    machine.initrd_start = machine.initrd_end = (ram_base + machine.ram_size - (4 << 20) - size) & ~0xfffull;
    for (int i = 0; i < count; i++)
        machine.initrd_end += (load(paths[i], machine.initrd_end) + 3) & ~3ull;
}

static void create(int vm, int kvm)
{
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = ram_base, .memory_size = machine.slot_size, .userspace_addr = (uintptr_t)machine.ram};
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
        fail("KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    for (int i = 0; i < machine.cpus; i++) {
        cpus[i].fd = ioctl(vm, KVM_CREATE_VCPU, i);
        if (cpus[i].fd < 0)
            fail("KVM_CREATE_VCPU: %s", strerror(errno));
        cpus[i].run = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpus[i].fd, 0);
        if (cpus[i].run == MAP_FAILED)
            fail("the run structure: %s", strerror(errno));
        /* The debug console is off by default; a KVM that hasn't got it needn't have it. */
        uint64_t on = 1;
        access_register(i, SBI_EXTENSION, 9, &on, KVM_SET_ONE_REG);
    }
}

int main(int count, char **words)
{
    enum { AIA = 256, BACKING, PAGEOUT, DIRTY_LOG };
    static const struct option options[] = {{"aia", optional_argument, NULL, AIA},
                                            {"backing", required_argument, NULL, BACKING},
                                            {"pageout", no_argument, NULL, PAGEOUT},
                                            {"dirty-log", no_argument, NULL, DIRTY_LOG},
                                            {0}};
    char *initrds[4];
    const char *backing = NULL, *mode = NULL;
    int archives = 0, aia = 0, pageout = 0, dirty_log = 0;
    for (int option; (option = getopt_long(count, words, "c:m:i:a:", options, NULL)) != -1;) {
        switch (option) {
        case 'c': machine.cpus = atoi(optarg); break;
        case 'm': machine.ram_size = strtoull(optarg, NULL, 10) << 20; break;
        case 'i':
            if (archives == 4)
                fail("no more than four initrds");
            initrds[archives++] = optarg;
            break;
        case 'a': machine.bootargs = optarg; break;
        case AIA: aia = 1, mode = optarg; break;
        case BACKING: backing = optarg; break;
        case PAGEOUT: pageout = 1; break;
        case DIRTY_LOG: dirty_log = 1; break;
        default: return 64;
        }
    }
    if (optind + 1 != count || machine.cpus < 1 || machine.cpus > MAX_CPUS || machine.ram_size < 64 << 20)
        fail("usage: monitor [-c CPUS] [-m MIB] [-i INITRD]... [-a BOOTARGS] [--aia[=MODE]] [--backing 4k|thp|2m|1g] "
             "[--pageout] [--dirty-log] KERNEL");

    int kvm = open("/dev/kvm", O_RDWR);
    if (kvm < 0)
        fail("/dev/kvm: %s", strerror(errno));
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0)
        fail("KVM_CREATE_VM: %s", strerror(errno));
    allocate_ram(&machine, backing);
    create(vm, kvm);
    if (aia)
        aia_create(vm, &machine, mode);

    /* The kernel lies at a multiple of 2 MiB and its size is in its header; the initrd ends near RAM's end. */
    uint64_t kernel = ram_base + (2 << 20);
    load(words[optind], kernel);
    if (archives)
        load_initrds(initrds, archives);
    machine.timebase = get_register(0, TIMER, 0);
    /* KVM has these two when its host has: extension 8 is Sstc, 14 Ssaia. */
    static char isa[128] = "rv64imafdc_zicntr_zicsr_zifencei";
    if (get_register(0, ISA_EXTENSION, 14) && machine.identities)
        strcat(isa, "_ssaia");
    if (get_register(0, ISA_EXTENSION, 8))
        strcat(isa, "_sstc");
    machine.isa = isa;
    uint64_t tree = ram_base + machine.ram_size - (2 << 20);
    build_device_tree(&machine, machine.ram + (tree - ram_base), 1 << 20);

    set_register(0, CORE, 0, kernel);
    set_register(0, CORE, 10, 0);
    set_register(0, CORE, 11, tree);

    /* Only the processors' threads take the signal; each lets it in when it is ready. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = leave_guest}, NULL);

    pthread_t input;
    pthread_create(&input, NULL, read_input, NULL);
    cpus[0].thread = pthread_self();
    for (int i = 1; i < machine.cpus; i++)
        pthread_create(&cpus[i].thread, NULL, run_cpu, (void *)(intptr_t)i);
    if (pageout)
        start_pageout(&machine);
    if (dirty_log)
        start_dirty_log(vm, &machine);
    run_cpu((void *)0);
}
