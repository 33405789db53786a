#ifndef HOST_EVENT_H
#define HOST_EVENT_H
#include <stdint.h>
// A set of descriptors to wait for, over epoll, level-triggered. Calls return -errno on failure.
enum host_event_kind {
    HOST_EVENT_READ = 1,
    HOST_EVENT_WRITE = 2,
    // Hang-up or error; reported whether or not it was asked for.
    HOST_EVENT_END = 4,
};
typedef struct host_event {
    uint64_t token;
    uint32_t kinds;
} host_event;
int host_event_set(void);
int host_event_add(int set, int fd, uint32_t kinds, uint64_t token);
int host_event_change(int set, int fd, uint32_t kinds, uint64_t token);
int host_event_remove(int set, int fd);
// Waits for events and stores up to `count` of them (no more than 64); their number, 0 after a signal or the
// time-out (milliseconds, -1 for none).
int host_event_wait(int set, host_event *_Nonnull events, int count, int timeout_ms);
#endif
