#ifndef HOST_POLL_H
#define HOST_POLL_H
#include <stddef.h>
#include <stdint.h>
// Waiting for several descriptors at once. A negative descriptor is ignored; a time-out is in milliseconds, -1 for
// none. Both calls return how many descriptors are ready, 0 after the time-out or a signal, or -errno.

enum host_poll_event {
    HOST_POLL_IN = 1,
    HOST_POLL_OUT = 2,
    // Always watched: the other side is gone, or the descriptor is broken.
    HOST_POLL_GONE = 4,
};
// `events[i]` says what is waited for, and on return what has come.
int host_poll_events(const int *_Nonnull fds, uint8_t *_Nonnull events, size_t count, int timeout_ms);
// `ready[i]` becomes 1 where there is something to read, or an end to be seen.
int host_poll_readable(const int *_Nonnull fds, uint8_t *_Nonnull ready, size_t count, int timeout_ms);
#endif
