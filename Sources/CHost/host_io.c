#define _GNU_SOURCE
#include "host_io.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY(call)                                    \
    ({                                                 \
        intptr_t r_;                                   \
        do { r_ = (call); } while (r_ < 0 && errno == EINTR); \
        r_ < 0 ? -(intptr_t)errno : r_;                \
    })

// O_NONBLOCK keeps a FIFO or a tty from holding the open; it means nothing to a regular file.
int host_open_read(const char *path) { return (int)RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)); }
int host_open_write_truncate(const char *path) {
    return (int)RETRY(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
}
void host_close(int fd) { close(fd); }
intptr_t host_read(int fd, void *b, size_t n) { return RETRY(read(fd, b, n)); }
intptr_t host_write(int fd, const void *b, size_t n) { return RETRY(write(fd, b, n)); }
intptr_t host_pread(int fd, void *b, size_t n, uint64_t o) { return RETRY(pread(fd, b, n, (off_t)o)); }
int host_file_kind(int fd, uint64_t *size) {
    struct stat s;
    if (fstat(fd, &s) < 0) return -errno;
    *size = (uint64_t)s.st_size;
    return S_ISREG(s.st_mode) ? 1 : S_ISDIR(s.st_mode) ? 2 : 3;
}
const char *host_error_text(int error) { return strerrordesc_np(error) ?: "unknown error"; }
int host_poll_read(int fd, int wake, int timeout_ms) {
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = wake, .events = POLLIN } };
    int n = poll(p, 2, timeout_ms);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    return (p[0].revents ? 1 : 0) | (p[1].revents ? 2 : 0);
}
int host_eventfd(void) { return (int)RETRY(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
void host_eventfd_signal(int fd) { (void)RETRY(write(fd, &(uint64_t){1}, 8)); }
void host_eventfd_drain(int fd) { uint64_t v; (void)RETRY(read(fd, &v, 8)); }
int host_random(void *buffer, size_t size) {
    char *p = buffer;
    while (size) {
        intptr_t n = RETRY(getrandom(p, size, 0));
        if (n < 0) return (int)n;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}
uint64_t host_memory_total(void) { return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE); }
