#define _GNU_SOURCE
#include "host_event.h"
#include <errno.h>
#include <sys/epoll.h>

int host_event_set(void) {
    int set = epoll_create1(EPOLL_CLOEXEC);
    return set < 0 ? -errno : set;
}

static int control(int set, int operation, int fd, uint32_t kinds, uint64_t token) {
    struct epoll_event event = {
        .events = (kinds & HOST_EVENT_READ ? EPOLLIN | EPOLLRDHUP : 0u) | (kinds & HOST_EVENT_WRITE ? EPOLLOUT : 0u),
        .data.u64 = token,
    };
    return epoll_ctl(set, operation, fd, &event) < 0 ? -errno : 0;
}
int host_event_add(int set, int fd, uint32_t kinds, uint64_t token) { return control(set, EPOLL_CTL_ADD, fd, kinds, token); }
int host_event_change(int set, int fd, uint32_t kinds, uint64_t token) { return control(set, EPOLL_CTL_MOD, fd, kinds, token); }
int host_event_remove(int set, int fd) { return control(set, EPOLL_CTL_DEL, fd, 0, 0); }

int host_event_wait(int set, host_event *events, int count, int timeout_ms) {
    struct epoll_event found[64];
    int n = epoll_wait(set, found, count < 64 ? count : 64, timeout_ms);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) {
        uint32_t e = found[i].events;
        events[i].token = found[i].data.u64;
        events[i].kinds = (e & (EPOLLIN | EPOLLRDHUP) ? HOST_EVENT_READ : 0u) | (e & EPOLLOUT ? HOST_EVENT_WRITE : 0u) |
                          (e & (EPOLLHUP | EPOLLERR) ? HOST_EVENT_END : 0u);
    }
    return n;
}
