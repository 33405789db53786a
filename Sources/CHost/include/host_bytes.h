#ifndef HOST_BYTES_H
#define HOST_BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// string.h's block calls under names of our own, so that Swift below the command needs no Glibc import.
static inline void host_copy(void *_Nonnull to, const void *_Nonnull from, size_t n) { memmove(to, from, n); }
static inline void host_fill(void *_Nonnull to, int byte, size_t n) { memset(to, byte, n); }
static inline int host_compare(const void *_Nonnull a, const void *_Nonnull b, size_t n) { return memcmp(a, b, n); }
// Whether the `n` bytes at `shared`, which others may be writing, are those at `copy`; `n` and `shared` are even.
// Each byte is read once, in the largest aligned pieces: memcmp looks again where it found a difference, and calls the
// bytes equal if that has gone meanwhile, although they never were.
static inline bool host_is_copy(const void *_Nonnull copy, const void *_Nonnull shared, size_t n) {
    const char *a = (const char *)copy, *b = (const char *)shared;
    while (n >= 2) {
        size_t size = (uintptr_t)b & 2 || n < 4 ? 2 : (uintptr_t)b & 4 || n < 8 ? 4 : 8;
        uint64_t wanted = 0, found;
        memcpy(&wanted, a, size);
        switch (size) {
        case 2: found = __atomic_load_n((const uint16_t *)b, __ATOMIC_RELAXED); break;
        case 4: found = __atomic_load_n((const uint32_t *)b, __ATOMIC_RELAXED); break;
        default: found = __atomic_load_n((const uint64_t *)b, __ATOMIC_RELAXED); break;
        }
        if (wanted != found) return false;
        a += size, b += size, n -= size;
    }
    return true;
}
#endif
