// The way into the kernel and back: the shortest call there is, bytes through a pipe, a file in
// memory, a clock that is read without a call, and faults that user space handles by itself.
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t short_calls(int count) {
    uint64_t sum = 0;
    long self = getpid();
    for (int i = 0; i < count; i++)
        sum += syscall(SYS_getpid) == self;
    return sum;
}

static uint64_t piped(int count) {
    int ends[2];
    uint64_t sum = 0;
    if (pipe(ends) != 0)
        return 0;
    for (int i = 0; i < count; i++) {
        uint32_t out = (uint32_t)i * 2654435761u, in = 0;
        if (write(ends[1], &out, sizeof out) == sizeof out && read(ends[0], &in, sizeof in) == sizeof in)
            sum += in == out;
    }
    close(ends[0]);
    close(ends[1]);
    return sum;
}

static uint64_t file(int count) {
    char block[4096];
    uint64_t sum = 0;
    int fd = (int)syscall(SYS_memfd_create, "bench", 0);
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof block; k += 512)
            block[k] = (char)(i + (int)k);
        if (pwrite(fd, block, sizeof block, (off_t)(i % 256) * 4096) != sizeof block)
            return 0;
        if (pread(fd, block, 512, (off_t)(i % 256) * 4096) != 512)
            return 0;
        sum += (uint8_t)block[0];
    }
    close(fd);
    return sum;
}

static uint64_t clock_reads(int count) {
    struct timespec last = {0, 0}, now;
    uint64_t forward = 0;
    for (int i = 0; i < count; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        forward += now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec);
        last = now;
    }
    return forward;
}

static volatile uint64_t signals;

static void count_signal(int number) {
    signals += number == SIGUSR1;
}

static uint64_t signalled(int count) {
    struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGUSR1, &action, NULL);
    signals = 0;
    for (int i = 0; i < count; i++)
        raise(SIGUSR1);
    return signals;
}

static uint64_t faults(int rounds) {
    enum { pages = 512 };
    uint64_t zeroes = 0;
    for (; rounds > 0; rounds--) {
        uint8_t *area = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            return 0;
        // Without huge pages, so that each page is a fault of its own.
        madvise(area, pages * 4096, MADV_NOHUGEPAGE);
        for (int i = 0; i < pages; i++)
            zeroes += area[i * 4096]++ == 0;
        munmap(area, pages * 4096);
    }
    return zeroes;
}

bool bench_syscalls(void) {
    bool right = true;
    right &= bench_expect("short calls", short_calls(300000), 300000);
    right &= bench_expect("pipe", piped(60000), 60000);
    right &= bench_expect("file", file(30000), 0x3a49e8);
    right &= bench_expect("clock", clock_reads(200000), 200000);
    right &= bench_expect("signals", signalled(30000), 30000);
    right &= bench_expect("faults", faults(40), 40 * 512);
    return right;
}
