// Processes: children that end at once, children that write into pages they share with their
// parent, children that become another program, and two that take turns.
#define _GNU_SOURCE
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool ended_with(pid_t child, int expected) {
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == expected;
}

static uint64_t short_lives(int count) {
    uint64_t right = 0;
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(i & 127);
        right += child > 0 && ended_with(child, i & 127);
    }
    return right;
}

static uint64_t own_copies(int count) {
    enum { length = 64 * 4096 };
    uint64_t right = 0;
    uint8_t *shared = malloc(length);
    memset(shared, 1, length);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            int sum = 0;
            for (int at = 0; at < length; at += 4096)
                sum += ++shared[at];
            _exit(sum == 2 * 64 ? 42 : 1);
        }
        // The child's writes are its own.
        right += child > 0 && ended_with(child, 42) && shared[0] == 1;
    }
    free(shared);
    return right;
}

static uint64_t other_programs(int count) {
    uint64_t right = 0;
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            // This very program, under a name that it doesn't know: it complains and ends with 2.
            close(STDERR_FILENO);
            execl("/proc/self/exe", "nothing", (char *)NULL);
            _exit(1);
        }
        right += child > 0 && ended_with(child, 2);
    }
    return right;
}

static uint64_t turns(int count) {
    int there[2], back[2];
    uint64_t sum = 0;
    if (pipe(there) != 0 || pipe(back) != 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        uint8_t byte;
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte++;
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(there[0]);
    for (int i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)i, answer = 0;
        if (write(there[1], &byte, 1) == 1 && read(back[0], &answer, 1) == 1)
            sum += answer == (uint8_t)(byte + 1);
    }
    close(there[1]);
    sum += ended_with(child, 0);
    close(back[0]);
    close(back[1]);
    return sum;
}

bool bench_fork(void) {
    bool right = true;
    right &= bench_expect("short lives", short_lives(600), 600);
    right &= bench_expect("own copies", own_copies(150), 150);
    right &= bench_expect("other programs", other_programs(100), 100);
    right &= bench_expect("turns", turns(6000), 6001);
    return right;
}
