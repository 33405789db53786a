#define _GNU_SOURCE
#include "host_poll.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

int host_poll_events(const int *fds, uint8_t *events, size_t count, int timeout_ms) {
    struct pollfd few[16], *set = few;
    if (count > sizeof few / sizeof *few && !(set = malloc(count * sizeof *set))) return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        short wanted = (short)((events[i] & HOST_POLL_IN ? POLLIN : 0) | (events[i] & HOST_POLL_OUT ? POLLOUT : 0));
        set[i] = (struct pollfd){ .fd = fds[i], .events = wanted };
    }
    int n = poll(set, count, timeout_ms);
    if (n < 0) n = errno == EINTR ? 0 : -errno;
    for (size_t i = 0; i < count; i++) {
        short seen = n > 0 ? set[i].revents : 0;
        events[i] = (uint8_t)((seen & POLLIN ? HOST_POLL_IN : 0) | (seen & POLLOUT ? HOST_POLL_OUT : 0)
                              | (seen & (POLLHUP | POLLERR | POLLNVAL) ? HOST_POLL_GONE : 0));
    }
    if (set != few) free(set);
    return n;
}

int host_poll_readable(const int *fds, uint8_t *ready, size_t count, int timeout_ms) {
    for (size_t i = 0; i < count; i++) ready[i] = HOST_POLL_IN;
    int n = host_poll_events(fds, ready, count, timeout_ms);
    for (size_t i = 0; i < count; i++) ready[i] = ready[i] != 0;
    return n;
}
