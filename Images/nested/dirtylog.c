/* Dirty logging as a migration does it: a copy of the guest's memory that follows by the log alone. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "nested.h"

enum { PAGE = 4096, ROUNDS = 8 };

static const struct machine *machine;
static int vm, manual;
static uint8_t *copy, *copied, *differs; /* the copy, and for each page: whether it's there, whether it differs */
static const uint8_t zeros[PAGE];
static uint64_t *bitmap;
static uint64_t cycles, rounds, harvested;
static pthread_t thread;
static volatile int ended;

static void set_logging(int on)
{
    struct kvm_userspace_memory_region region = {
        .flags = on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
        .guest_phys_addr = ram_base, .memory_size = machine->slot_size, .userspace_addr = (uintptr_t)machine->ram};
    /* Linux 6.12's KVM can't split a huge G-stage mapping, and a store to one that it has write-protected fails. A
     * change of protection makes it drop them all; no processor may store meanwhile. */
    int drop = on && machine->huge;
    if (drop)
        pause_cpus();
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
        fail("dirty logging: %s", strerror(errno));
    if (drop) {
        if (mprotect(machine->ram, machine->slot_size, PROT_READ) ||
            mprotect(machine->ram, machine->slot_size, PROT_READ | PROT_WRITE))
            fail("mprotect: %s", strerror(errno));
        resume_cpus();
    }
}

static int is_same(uint64_t page)
{
    return memcmp(machine->ram + page * PAGE, copied[page] ? copy + page * PAGE : zeros, PAGE) == 0;
}

static void copy_page(uint64_t page)
{
    if (is_same(page))
        return;
    memcpy(copy + page * PAGE, machine->ram + page * PAGE, PAGE);
    copied[page] = 1;
}

/* Calls `each` with the pages that memory has or has had, in RAM or in swap; the others are zero still. */
static void for_touched_pages(void (*each)(uint64_t))
{
    uint64_t entries[512];
    int file = open("/proc/self/pagemap", O_RDONLY);
    for (uint64_t first = 0; first < machine->ram_size / PAGE; first += 512) {
        if (pread(file, entries, sizeof entries, ((uintptr_t)machine->ram / PAGE + first) * 8) != sizeof entries)
            fail("/proc/self/pagemap: %s", strerror(errno));
        for (int i = 0; i < 512; i++)
            if (entries[i] >> 62 || copied[first + i])
                each(first + i);
    }
    close(file);
}

/* Fills `bitmap` with the pages that were stored to since the last time. */
static void read_log(void)
{
    memset(bitmap, 0, machine->slot_size / PAGE / 8);
    struct kvm_dirty_log log = {.dirty_bitmap = bitmap};
    if (ioctl(vm, KVM_GET_DIRTY_LOG, &log))
        fail("KVM_GET_DIRTY_LOG: %s", strerror(errno));
}

static void copy_dirty_pages(void)
{
    for (uint64_t word = 0; word < machine->ram_size / PAGE / 64; word++) {
        if (!bitmap[word])
            continue;
        /* Cleared before it is copied: what is stored while we copy has to be seen again. */
        struct kvm_clear_dirty_log clear = {
            .first_page = word * 64, .num_pages = 64, .dirty_bitmap = &bitmap[word]};
        if (manual && ioctl(vm, KVM_CLEAR_DIRTY_LOG, &clear))
            fail("KVM_CLEAR_DIRTY_LOG: %s", strerror(errno));
        for (int i = 0; i < 64; i++) {
            if (bitmap[word] >> i & 1) {
                copy_page(word * 64 + i);
                harvested++;
            }
        }
    }
    rounds++;
}

static void note_difference(uint64_t page) { differs[page] = !is_same(page); }

/* All memory against the copy, while the guest runs: what differs was stored to since the log was read, so that the
 * log has it the next time. Once the guest is off there is no such excuse. */
static void compare(void)
{
    uint64_t lost = 0, first = 0;
    memset(differs, 0, machine->ram_size / PAGE);
    for_touched_pages(note_difference);
    read_log();
    for (uint64_t page = 0; page < machine->ram_size / PAGE; page++)
        if (differs[page] && !(bitmap[page / 64] >> page % 64 & 1) && !lost++)
            first = page;
    if (lost)
        fail("the dirty log lost %llu pages, the first at 0x%llx", (unsigned long long)lost,
             (unsigned long long)(ram_base + first * PAGE));
    cycles++;
}

static void *follow(void *unused)
{
    while (!ended) {
        set_logging(1);
        for_touched_pages(copy_page);
        for (int i = 0, last = 0; i < ROUNDS && !last; i++) {
            usleep(200000);
            last = ended;
            read_log();
            copy_dirty_pages();
        }
        compare();
        set_logging(0);
        for (int i = 0; i < 10 && !ended; i++)
            usleep(100000);
    }
    return unused;
}

void start_dirty_log(int vm_file, const struct machine *of)
{
    vm = vm_file;
    machine = of;
    /* Where KVM offers it, pages are write-protected again one by one and not with each reading of the log. */
    if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) > 0) {
        struct kvm_enable_cap enable = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = {1}};
        if (ioctl(vm, KVM_ENABLE_CAP, &enable))
            fail("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: %s", strerror(errno));
        manual = 1;
    }
    copy = mmap(0, machine->ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    copied = calloc(2, machine->ram_size / PAGE);
    bitmap = calloc(1, machine->slot_size / PAGE / 8);
    if (copy == MAP_FAILED || !copied || !bitmap)
        fail("no memory for the dirty log's copy");
    differs = copied + machine->ram_size / PAGE;
    madvise(copy, machine->ram_size, MADV_NOHUGEPAGE);
    if (pthread_create(&thread, NULL, follow, NULL))
        fail("no thread for the dirty log");
}

void finish_dirty_log(void)
{
    if (!machine)
        return;
    ended = 1;
    stand_aside();
    pthread_join(thread, NULL);
    fprintf(stderr, "monitor: dirty log: %llu cycles, %llu rounds, %llu pages, none lost\n", (unsigned long long)cycles,
            (unsigned long long)rounds, (unsigned long long)harvested);
    if (!cycles || !harvested)
        fail("the dirty log saw nothing");
}
