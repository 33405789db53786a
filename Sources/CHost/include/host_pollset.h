#ifndef HOST_POLLSET_H
#define HOST_POLLSET_H
#include <stddef.h>
// poll() with a type of our own, so that callers need no host header.
enum host_wait_event {
    HOST_WAIT_IN = 0x001,
    HOST_WAIT_PRI = 0x002,
    HOST_WAIT_OUT = 0x004,
    HOST_WAIT_ERR = 0x008,
    HOST_WAIT_HUP = 0x010,
};
struct host_wait_entry {
    int fd;
    short events;
    short happened;
};
// Waits until something happens at one of `entries` or `timeout_ms` have passed (-1: no limit). The number of
// entries at which something did, 0 after the time-out or a signal, or -errno.
int host_wait(struct host_wait_entry *_Nullable entries, size_t count, int timeout_ms);
#endif
