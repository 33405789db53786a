#ifndef HOST_POLL_H
#define HOST_POLL_H
#include <stddef.h>
// poll() with a type of our own, so that callers need no host header.
enum host_poll_event {
    HOST_POLL_IN = 0x001,
    HOST_POLL_PRI = 0x002,
    HOST_POLL_OUT = 0x004,
    HOST_POLL_ERR = 0x008,
    HOST_POLL_HUP = 0x010,
};
struct host_poll_entry {
    int fd;
    short events;
    short happened;
};
// Waits until something happens at one of `entries` or `timeout_ms` have passed (-1: no limit). The number of
// entries at which something did, 0 after the time-out or a signal, or -errno.
int host_poll(struct host_poll_entry *_Nullable entries, size_t count, int timeout_ms);
#endif
