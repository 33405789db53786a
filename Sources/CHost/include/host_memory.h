#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H
#include <stddef.h>
#include <stdint.h>
// Reserves `size` bytes of zeroed private memory, aligned to `alignment` (a power of two of at least a
// page), without reserving swap for it. NULL on refusal; `*error` then holds errno.
void *_Nullable host_memory_reserve(size_t size, size_t alignment, int *_Nonnull error);
// The same from the host's reserved pages of 2 MiB, all of them taken now: `size` is a multiple of that.
void *_Nullable host_memory_reserve_huge(size_t size, int *_Nonnull error);
void host_memory_release(void *_Nonnull base, size_t size);
// Asks for transparent huge pages; a refusal changes nothing but speed.
void host_memory_prefer_huge(void *_Nonnull base, size_t size);
// Gives the pages wholly inside the range back to the host; they read zero afterwards. `base` and `size` needn't
// be aligned. 0 or -errno.
int host_memory_discard(void *_Nonnull base, size_t size);
// All threads allocate from one heap from now on. glibc would make one for each thread that allocates at all, four
// system calls and a handful of pages, and ours hardly do.
void host_memory_share_heap(void);
#endif
