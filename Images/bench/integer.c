// Integer work as programs have it: sieving, sorting, multiplying matrices, dividing, counting
// bits, and a table-driven loop with branches that are hard to foresee.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static uint64_t primes_below(uint32_t limit) {
    uint8_t *composite = calloc(limit, 1);
    uint64_t count = 0;
    for (uint32_t i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint64_t j = (uint64_t)i * i; j < limit; j += i)
            composite[j] = 1;
    }
    free(composite);
    return count;
}

static void heap_sort(uint32_t *a, size_t n) {
    for (size_t start = n / 2, end = n; end > 1;) {
        uint32_t value;
        if (start > 0) {
            value = a[--start];
        } else {
            value = a[--end];
            a[end] = a[0];
        }
        size_t hole = start;
        for (size_t child; (child = 2 * hole + 1) < end; hole = child) {
            if (child + 1 < end && a[child] < a[child + 1])
                child++;
            if (a[child] <= value)
                break;
            a[hole] = a[child];
        }
        a[hole] = value;
    }
}

static uint64_t sorted_digest(size_t n) {
    uint32_t *a = malloc(n * sizeof *a);
    uint64_t state = 88172645463325252ULL, digest = 0;
    for (size_t i = 0; i < n; i++)
        a[i] = (uint32_t)bench_random(&state);
    heap_sort(a, n);
    for (size_t i = 1; i < n; i++)
        digest = digest * 31 + a[i] + (a[i - 1] > a[i]);
    free(a);
    return digest;
}

enum { side = 96 };

static uint64_t matrix_digest(int rounds) {
    static uint64_t a[side][side], b[side][side], c[side][side];
    uint64_t state = 12345;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            a[i][j] = bench_random(&state);
            b[i][j] = bench_random(&state);
        }
    for (; rounds > 0; rounds--) {
        for (int i = 0; i < side; i++)
            for (int j = 0; j < side; j++) {
                uint64_t sum = 0;
                for (int k = 0; k < side; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        memcpy(a, c, sizeof a);
    }
    uint64_t digest = 0;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            digest = (digest << 7 | digest >> 57) ^ a[i][j];
    return digest;
}

static uint64_t longest_collatz(uint32_t limit) {
    uint64_t best = 0, best_start = 0;
    for (uint32_t start = 1; start < limit; start++) {
        uint64_t n = start, length = 1;
        for (; n != 1; length++)
            n = n & 1 ? 3 * n + 1 : n >> 1;
        if (length > best) {
            best = length;
            best_start = start;
        }
    }
    return best_start << 16 | best;
}

static uint64_t divisions(uint32_t count) {
    uint64_t state = 99, digest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t x = bench_random(&state), y = bench_random(&state) >> (i & 63) | 1;
        digest += x / y ^ x % y;
        digest ^= (uint64_t)((int64_t)x / (int32_t)(y | 1));
        digest += (uint64_t)__builtin_popcountll(x) << (y & 31);
    }
    return digest;
}

// A toy machine: the loads, compares and jumps of an interpreter.
static uint64_t interpret(uint32_t steps) {
    uint8_t code[256];
    uint64_t registers[8] = {1, 2, 3, 4, 5, 6, 7, 8}, state = 4242;
    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)bench_random(&state);
    for (uint8_t pc = 0; steps > 0; steps--) {
        uint8_t op = code[pc++];
        uint64_t *d = &registers[op >> 3 & 7], s = registers[code[pc] & 7];
        switch (op & 7) {
        case 0: *d += s; break;
        case 1: *d -= s << 3; break;
        case 2: *d ^= s >> 5; break;
        case 3: *d = *d << 9 | *d >> 55; break;
        case 4: *d *= s | 1; break;
        case 5: pc += (*d & 1) ? (uint8_t)s : 1; break;
        case 6: *d = ~s; break;
        case 7: code[(uint8_t)(s >> 8)] ^= (uint8_t)*d; break;
        }
    }
    uint64_t digest = 0;
    for (int i = 0; i < 8; i++)
        digest = digest * 1099511628211ULL ^ registers[i];
    return digest;
}

bool bench_integer(void) {
    bool right = true;
    right &= bench_expect("primes", primes_below(6000000), 412849);
    right &= bench_expect("sort", sorted_digest(600000), 0x127ae1225b514260);
    right &= bench_expect("matrix", matrix_digest(40), 0xaca536069616a958);
    right &= bench_expect("collatz", longest_collatz(1000000), 837799ULL << 16 | 525);
    right &= bench_expect("divisions", divisions(6000000), 0x871b93cc849464d6);
    right &= bench_expect("interpreter", interpret(25000000), 0x2563d55a5b65ae5c);
    return right;
}
