#ifndef HOST_BYTES_H
#define HOST_BYTES_H
#include <stddef.h>
#include <string.h>
// string.h's block calls under names of our own, so that Swift below the command needs no Glibc import.
static inline void host_copy(void *_Nonnull to, const void *_Nonnull from, size_t n) { memmove(to, from, n); }
static inline void host_fill(void *_Nonnull to, int byte, size_t n) { memset(to, byte, n); }
static inline int host_compare(const void *_Nonnull a, const void *_Nonnull b, size_t n) { return memcmp(a, b, n); }
#endif
