// One program under several names: bench programs are unpacked at every boot of the guest, and a
// static libc each would make the boot slower for all who don't measure.
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    bool (*run)(void);
} programs[] = {
    {"integer", bench_integer},   {"fp", bench_fp},     {"memory", bench_memory},
    {"syscalls", bench_syscalls}, {"fork", bench_fork},
};

bool bench_expect(const char *what, uint64_t got, uint64_t expected) {
    if (got != expected)
        printf("%s: got %#llx, expected %#llx\n", what, (unsigned long long)got,
               (unsigned long long)expected);
    return got == expected;
}

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Named by what it was called as or by its arguments; without either it runs everything.
int main(int argc, char **argv) {
    const char *slash = strrchr(argv[0], '/');
    const char *self = slash ? slash + 1 : argv[0];
    bool all_right = true, found = false, everything = argc < 2 && strcmp(self, "bench") == 0;

    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        bool wanted = everything || strcmp(self, programs[i].name) == 0;
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], programs[i].name) == 0;
        if (!wanted)
            continue;
        found = true;
        long long start = now();
        bool right = programs[i].run();
        long long taken = now() - start;
        printf("%s %s %lld\n", programs[i].name, right ? "ok" : "WRONG", taken);
        fflush(stdout);
        all_right &= right;
    }
    if (!found) {
        fprintf(stderr, "%s: no such bench program\n", self);
        return 2;
    }
    return all_right ? 0 : 1;
}
