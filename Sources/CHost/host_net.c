#define _GNU_SOURCE
#include "host_net.h"
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct host_iovec) == sizeof(struct iovec), "passed as an iovec");
_Static_assert(offsetof(struct host_iovec, count) == offsetof(struct iovec, iov_len), "same order");
_Static_assert(HOST_TAP_NAME_SIZE == IFNAMSIZ, "same size");
_Static_assert(HOST_TAP_CSUM == TUN_F_CSUM && HOST_TAP_TSO4 == TUN_F_TSO4 && HOST_TAP_TSO6 == TUN_F_TSO6 &&
               HOST_TAP_TSO_ECN == TUN_F_TSO_ECN && HOST_TAP_UFO == TUN_F_UFO, "same numbers");

#define RETRY(call)                                    \
    ({                                                 \
        intptr_t r_;                                   \
        do { r_ = (call); } while (r_ < 0 && errno == EINTR); \
        r_ < 0 ? -(intptr_t)errno : r_;                \
    })

intptr_t host_readv(int fd, const struct host_iovec *v, size_t n) {
    return RETRY(readv(fd, (const struct iovec *)v, (int)n));
}
intptr_t host_writev(int fd, const struct host_iovec *v, size_t n) {
    return RETRY(writev(fd, (const struct iovec *)v, (int)n));
}

static int use_header(int fd) {
    int size = 12;
    return (int)RETRY(ioctl(fd, TUNSETVNETHDRSZ, &size));
}

int host_tap_open(char *name, bool multi_queue) {
    int fd = (int)RETRY(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (fd < 0) return fd;
    struct ifreq r;
    memset(&r, 0, sizeof r);
    memcpy(r.ifr_name, name, IFNAMSIZ);
    r.ifr_name[IFNAMSIZ - 1] = 0;
    r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0));
    int status = (int)RETRY(ioctl(fd, TUNSETIFF, &r));
    if (status >= 0) status = use_header(fd);
    if (status < 0) { close(fd); return status; }
    memcpy(name, r.ifr_name, IFNAMSIZ);
    name[IFNAMSIZ - 1] = 0;
    return fd;
}

int host_tap_adopt(int fd, char *name) {
    struct ifreq r;
    memset(&r, 0, sizeof r);
    if (RETRY(ioctl(fd, TUNGETIFF, &r)) < 0 || !(r.ifr_flags & IFF_TAP) || !(r.ifr_flags & IFF_NO_PI)) return -EBADFD;
    memcpy(name, r.ifr_name, IFNAMSIZ);
    name[IFNAMSIZ - 1] = 0;
    int flags = (int)RETRY(fcntl(fd, F_GETFL));
    if (flags < 0) return flags;
    int status = (int)RETRY(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    if (status < 0) return status;
    (void)RETRY(fcntl(fd, F_SETFD, FD_CLOEXEC));
    if (!(r.ifr_flags & IFF_VNET_HDR)) return 0;
    status = use_header(fd);
    return status < 0 ? status : 1;
}

int host_tap_set_offload(int fd, unsigned offload) {
    return (int)RETRY(ioctl(fd, TUNSETOFFLOAD, (unsigned long)offload));
}

int host_tap_set_queue(int fd, bool enabled) {
    struct ifreq r;
    memset(&r, 0, sizeof r);
    r.ifr_flags = enabled ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
    int status = (int)RETRY(ioctl(fd, TUNSETQUEUE, &r));
    // It is as wanted already.
    return status == -EINVAL ? 0 : status;
}

int host_unix_connect(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length + 1);
    int fd = (int)RETRY(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0) return fd;
    int status = (int)RETRY(connect(fd, (const struct sockaddr *)&address, sizeof address));
    if (status < 0) { close(fd); return status; }
    return fd;
}

intptr_t host_socket_receive(int fd, void *buffer, size_t size) { return RETRY(recv(fd, buffer, size, MSG_DONTWAIT)); }

intptr_t host_socket_send(int fd, const struct host_iovec *v, size_t n) {
    struct msghdr m = { .msg_iov = (struct iovec *)v, .msg_iovlen = n };
    return RETRY(sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int host_run_program(const char *path, const char *argument) {
    extern char **environ;
    char *arguments[] = { (char *)path, (char *)argument, NULL };
    // Our signals are blocked and our SIGPIPE ignored; the program's shall be as usual.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid;
    int status = posix_spawn(&pid, path, NULL, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    if (status) return -status;
    int result;
    status = (int)RETRY(waitpid(pid, &result, 0));
    if (status < 0) return status;
    return WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
}
