#include "host_pollset.h"
#include <errno.h>
#include <poll.h>

_Static_assert(sizeof(struct host_wait_entry) == sizeof(struct pollfd), "an entry is passed as a pollfd");
_Static_assert(offsetof(struct host_wait_entry, happened) == offsetof(struct pollfd, revents), "same order");
_Static_assert(HOST_WAIT_IN == POLLIN && HOST_WAIT_PRI == POLLPRI && HOST_WAIT_OUT == POLLOUT, "same numbers");
_Static_assert(HOST_WAIT_ERR == POLLERR && HOST_WAIT_HUP == POLLHUP, "same numbers");

int host_wait(struct host_wait_entry *entries, size_t count, int timeout_ms) {
    int n = poll((struct pollfd *)entries, count, timeout_ms);
    if (n >= 0) return n;
    // What `happened` holds is undefined then.
    for (size_t i = 0; i < count; i++) entries[i].happened = 0;
    return errno == EINTR ? 0 : -errno;
}
