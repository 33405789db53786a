/* What guest memory is made of, and taking it away while the guest runs. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nested.h"

/* Not every C library's headers have these. */
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

void allocate_ram(struct machine *machine, const char *backing)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS, advice = -1, huge = 0;
    /* A huge page of the host's that reaches beyond a slot's ends is more than KVM expects. */
    const uint64_t alignment = 2 << 20;
    if (!backing) {
        flags |= MAP_NORESERVE;
    } else if (strcmp(backing, "4k") == 0 || strcmp(backing, "thp") == 0) {
        flags |= MAP_NORESERVE;
        advice = *backing == '4' ? MADV_NOHUGEPAGE : MADV_HUGEPAGE;
    } else if (strcmp(backing, "2m") == 0 || strcmp(backing, "1g") == 0) {
        huge = *backing == '2' ? 21 : 30;
        flags |= MAP_HUGETLB | huge << MAP_HUGE_SHIFT;
    } else {
        fail("guest memory is of 4k, thp, 2m or 1g pages, not of %s", backing);
    }
    uint64_t page = huge ? 1ull << huge : alignment, size = (machine->ram_size + page - 1) & ~(page - 1);
    uint8_t *ram = mmap(0, huge ? size : size + alignment, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (ram == MAP_FAILED)
        fail("%llu bytes of RAM: %s", (unsigned long long)size, strerror(errno));
    if (!huge)
        ram = (uint8_t *)(((uintptr_t)ram + alignment - 1) & ~(alignment - 1));
    if (advice >= 0 && madvise(ram, size, advice))
        fail("%s pages: %s", backing, strerror(errno));
    machine->ram = ram;
    machine->slot_size = size;
    machine->huge = huge != 0;
}

static void *take_away(void *argument)
{
    const struct machine *machine = argument;
    const uint64_t chunk = 1 << 19;
    unsigned seed = 1;
    while (1) {
        uint64_t offset = rand_r(&seed) % (machine->ram_size / chunk) * chunk;
        /* EAGAIN and the like: the page is in use just now. */
        madvise(machine->ram + offset, chunk, MADV_PAGEOUT);
        usleep(20000);
    }
    return NULL;
}

void start_pageout(const struct machine *machine)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, take_away, (void *)machine))
        fail("no thread for paging out");
}
