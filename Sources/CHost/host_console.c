#define _GNU_SOURCE
#include "host_console.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

int host_standard_descriptors(void) {
    int closed = 0;
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        closed |= 1 << fd;
        // The lowest free number is `fd`: those below are open by now.
        if (open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return closed;
    }
    return closed;
}

intptr_t host_write_patiently(int fd, const void *buffer, size_t size) {
    for (;;) {
        ssize_t n = write(fd, buffer, size);
        if (n >= 0) return n;
        if (errno == EAGAIN) {
            struct pollfd p = { .fd = fd, .events = POLLOUT };
            (void)poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return -(intptr_t)errno;
        }
    }
}

int host_poll_three(int a, int b, int c, int timeout_ms) {
    struct pollfd p[3] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN }, { .fd = c, .events = POLLIN } };
    int n = poll(p, 3, timeout_ms);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    return (p[0].revents ? 1 : 0) | (p[1].revents ? 2 : 0) | (p[2].revents ? 4 : 0);
}

int host_core_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

intptr_t host_executable_path(void *buffer, size_t size) {
    ssize_t n = readlink("/proc/self/exe", buffer, size);
    return n < 0 ? -(intptr_t)errno : n;
}
