#ifndef HOST_NET_H
#define HOST_NET_H
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
// What network back ends need of the host. All descriptors are non-blocking and close on exec; all calls
// return -errno.
enum {
    HOST_EAGAIN = EAGAIN,
    HOST_EINVAL = EINVAL,
    HOST_EBADFD = EBADFD,
    HOST_EBUSY = EBUSY,
    // The most stretches that one call takes.
    HOST_IOVEC_MAX = 1024,
};

// A stretch of memory for the vectored calls.
struct host_iovec {
    void *_Nullable base;
    size_t count;
};
intptr_t host_readv(int fd, const struct host_iovec *_Nonnull vector, size_t count);
intptr_t host_writev(int fd, const struct host_iovec *_Nonnull vector, size_t count);

// The offloads that a tap device may be told of: what it may hand to its reader.
enum host_tap_offload {
    HOST_TAP_CSUM = 0x01,
    HOST_TAP_TSO4 = 0x02,
    HOST_TAP_TSO6 = 0x04,
    HOST_TAP_TSO_ECN = 0x08,
    HOST_TAP_UFO = 0x10,
    HOST_TAP_USO4 = 0x20,
    HOST_TAP_USO6 = 0x40,
};
enum { HOST_TAP_NAME_SIZE = 16 };
// Opens a queue of the tap interface `name` (NUL-terminated; empty or with %d: the host chooses and writes it
// there), made when it doesn't exist, with a 12-byte virtio-net header before each frame.
int host_tap_open(char *_Nonnull name, bool multi_queue);
// Readies a descriptor of a tap interface that somebody else has opened: 1 when its frames carry the header (of
// 12 bytes from here on), 0 when they don't. -EBADFD when it is no tap's.
int host_tap_adopt(int fd, char *_Nonnull name);
int host_tap_set_offload(int fd, unsigned offload);
// Lets a queue take part or not.
int host_tap_set_queue(int fd, bool enabled);

// A stream socket to whoever listens at `path`.
int host_unix_connect(const char *_Nonnull path);
// As readv and writev, without SIGPIPE.
intptr_t host_socket_receive(int fd, void *_Nonnull buffer, size_t size);
intptr_t host_socket_send(int fd, const struct host_iovec *_Nonnull vector, size_t count);

// errno, right after a library's call that sets it.
static inline int host_last_error(void) { return errno; }

// Runs the program `path` with one argument to its end: its exit status (128 + n for signal n).
int host_run_program(const char *_Nonnull path, const char *_Nonnull argument);
#endif
