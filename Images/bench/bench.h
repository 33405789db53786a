// What the bench programs share. Each is a function that does a fixed piece of work and says
// whether its answer is the right one: a machine that computes quickly and wrongly has no time.
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool bench_integer(void);
bool bench_fp(void);
bool bench_memory(void);
bool bench_syscalls(void);
bool bench_fork(void);

// Compares with the answer that was computed once on another machine; shows the difference.
bool bench_expect(const char *what, uint64_t got, uint64_t expected);

// A full-period generator, so that inputs are the same everywhere and no library's affair.
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif
