// Memory as the machine's address translation feels it: a chase through pointers in random order
// (each step another page), copies, fills, strides, and bytes at odd addresses.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { megabyte = 1 << 20 };

static uint64_t chase(size_t entries, size_t steps) {
    uint32_t *next = malloc(entries * sizeof *next);
    uint64_t state = 2463534242, sum = 0;
    for (size_t i = 0; i < entries; i++)
        next[i] = (uint32_t)i;
    // Sattolo's shuffle: a single cycle, so that the chase visits everything.
    for (size_t i = entries - 1; i > 0; i--) {
        size_t j = bench_random(&state) % i;
        uint32_t other = next[i];
        next[i] = next[j];
        next[j] = other;
    }
    for (uint32_t at = 0; steps > 0; steps--) {
        at = next[at];
        sum = sum * 5 + at;
    }
    free(next);
    return sum;
}

static uint64_t copies(size_t length, int rounds) {
    uint8_t *from = malloc(length + 64), *to = malloc(length + 64);
    uint64_t digest = 0, state = 5;
    for (size_t i = 0; i < length + 64; i++)
        from[i] = (uint8_t)bench_random(&state);
    for (int round = 0; round < rounds; round++) {
        memset(to, round, length + 64);
        // Every alignment of source and destination takes its turn.
        memcpy(to + round % 8, from + round * 3 % 16, length);
        for (size_t i = 0; i < length; i += 4093)
            digest = digest * 33 + to[i];
    }
    free(from);
    free(to);
    return digest;
}

static uint64_t strides(size_t words, int rounds) {
    uint64_t *a = calloc(words, sizeof *a), digest = 0;
    for (size_t stride = 1; stride <= 4096; stride *= 8)
        for (int round = 0; round < rounds; round++)
            for (size_t i = (size_t)round; i < words; i += stride)
                a[i] += i ^ stride;
    for (size_t i = 0; i < words; i++)
        digest = digest * 3 + a[i];
    free(a);
    return digest;
}

static uint64_t odd_addresses(size_t length, int rounds) {
    uint8_t *bytes = malloc(length);
    uint64_t digest = 0;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (; rounds > 0; rounds--)
        for (size_t i = 1; i + 16 < length; i += 13) {
            uint64_t wide;
            uint16_t narrow;
            memcpy(&wide, bytes + i, sizeof wide);
            memcpy(&narrow, bytes + i + 3, sizeof narrow);
            wide += narrow;
            memcpy(bytes + i, &wide, sizeof wide);
            digest = digest * 31 ^ wide;
        }
    free(bytes);
    return digest;
}

bool bench_memory(void) {
    bool right = true;
    right &= bench_expect("chase", chase(4 * megabyte, 3000000), 0xb9be418c6831faeb);
    right &= bench_expect("copies", copies(4 * megabyte, 16), 0x930a6db47310fd03);
    right &= bench_expect("strides", strides(2 * megabyte, 5), 0xd722eb437b834380);
    right &= bench_expect("odd addresses", odd_addresses(megabyte, 6), 0x55f2296d6087369c);
    return right;
}
