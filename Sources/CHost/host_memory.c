#define _GNU_SOURCE
#include "host_memory.h"
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

void *host_memory_reserve(size_t size, size_t alignment, int *error) {
    size_t span;
    if (__builtin_add_overflow(size, alignment, &span)) { *error = ENOMEM; return NULL; }
    char *base = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) { *error = errno; return NULL; }
    // Trim both ends so that what remains is aligned.
    uintptr_t start = ((uintptr_t)base + alignment - 1) & ~(uintptr_t)(alignment - 1);
    size_t head = start - (uintptr_t)base;
    if (head) munmap(base, head);
    size_t tail = span - head - size;
    if (tail) munmap((char *)start + size, tail);
    return (void *)start;
}

void *host_memory_reserve_huge(size_t size, int *error) {
    // log2 of the page's size lies above MAP_HUGE_SHIFT. Without MAP_NORESERVE no later touch can fail.
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << 26;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED) { *error = errno; return NULL; }
    return base;
}

void host_memory_share_heap(void) { (void)mallopt(M_ARENA_MAX, 1); }

void host_memory_release(void *base, size_t size) { munmap(base, size); }

void host_memory_prefer_huge(void *base, size_t size) { (void)madvise(base, size, MADV_HUGEPAGE); }

int host_memory_discard(void *base, size_t size) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)base + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)base + size) & ~(page - 1);
    if (start >= end) return 0;
    return madvise((void *)start, end - start, MADV_DONTNEED) < 0 ? -errno : 0;
}
