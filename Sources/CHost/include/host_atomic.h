#ifndef HOST_ATOMIC_H
#define HOST_ATOMIC_H
#include <stdbool.h>
#include <stdint.h>
// Sequentially consistent atomics on raw memory: guest atomics are host atomics. Addition wraps.
#define HOST_ATOMIC(bits, type, stype)                                                                              \
    static inline type host_atomic_load_##bits(const void *_Nonnull p) { return __atomic_load_n((const type *)p, __ATOMIC_SEQ_CST); } \
    static inline void host_atomic_store_##bits(void *_Nonnull p, type v) { __atomic_store_n((type *)p, v, __ATOMIC_SEQ_CST); } \
    static inline type host_atomic_swap_##bits(void *_Nonnull p, type v) { return __atomic_exchange_n((type *)p, v, __ATOMIC_SEQ_CST); } \
    static inline type host_atomic_add_##bits(void *_Nonnull p, type v) { return __atomic_fetch_add((type *)p, v, __ATOMIC_SEQ_CST); } \
    static inline type host_atomic_and_##bits(void *_Nonnull p, type v) { return __atomic_fetch_and((type *)p, v, __ATOMIC_SEQ_CST); } \
    static inline type host_atomic_or_##bits(void *_Nonnull p, type v) { return __atomic_fetch_or((type *)p, v, __ATOMIC_SEQ_CST); } \
    static inline type host_atomic_xor_##bits(void *_Nonnull p, type v) { return __atomic_fetch_xor((type *)p, v, __ATOMIC_SEQ_CST); } \
    static inline bool host_atomic_cas_##bits(void *_Nonnull p, type expected, type desired) {                     \
        return __atomic_compare_exchange_n((type *)p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    }
HOST_ATOMIC(32, uint32_t, int32_t)
HOST_ATOMIC(64, uint64_t, int64_t)
static inline uint32_t host_load_relaxed_32(const void *_Nonnull p) { return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED); }
static inline uint64_t host_load_relaxed_64(const void *_Nonnull p) { return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED); }
static inline uint32_t host_load_acquire_32(const void *_Nonnull p) { return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE); }
static inline void host_store_release_32(void *_Nonnull p, uint32_t v) { __atomic_store_n((uint32_t *)p, v, __ATOMIC_RELEASE); }
static inline uint16_t host_load_relaxed_16(const void *_Nonnull p) { return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED); }
static inline uint16_t host_load_acquire_16(const void *_Nonnull p) { return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE); }
static inline void host_store_relaxed_16(void *_Nonnull p, uint16_t v) { __atomic_store_n((uint16_t *)p, v, __ATOMIC_RELAXED); }
static inline void host_store_relaxed_32(void *_Nonnull p, uint32_t v) { __atomic_store_n((uint32_t *)p, v, __ATOMIC_RELAXED); }
static inline void host_store_release_16(void *_Nonnull p, uint16_t v) { __atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE); }
// One load that the compiler neither splits nor repeats, at any alignment: for memory that another party changes.
static inline uint64_t host_load_once_64(const void *_Nonnull p) {
    typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned;
    return *(const volatile unaligned *)p;
}
static inline void host_fence_full(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void host_fence_acquire_release(void) { __atomic_thread_fence(__ATOMIC_ACQ_REL); }
static inline void host_cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
#endif
