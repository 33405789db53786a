#define _GNU_SOURCE
#include "host_stream.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

// Closes `fd` and passes on why it was of no use.
static int drop(int fd) {
    int error = errno;
    if (fd >= 0) close(fd);
    return -error;
}

int host_pty_open(char *path, size_t size) {
    int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct termios mode;
    if (grantpt(fd) < 0 || unlockpt(fd) < 0 || tcgetattr(fd, &mode) < 0) return drop(fd);
    int error = ptsname_r(fd, path, size);
    if (error) { errno = error; return drop(fd); }
    cfmakeraw(&mode);
    if (tcsetattr(fd, TCSANOW, &mode) < 0) return drop(fd);
    // A side that was never opened doesn't count as hung up; one that was closed does.
    int other = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (other < 0) return drop(fd);
    close(other);
    return fd;
}

int host_unix_listen(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    const struct sockaddr *name = (const struct sockaddr *)&address;
    if (bind(fd, name, sizeof address) < 0) {
        struct stat s;
        if (errno != EADDRINUSE || lstat(path, &s) < 0 || !S_ISSOCK(s.st_mode)) return drop(fd);
        int other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (other < 0) return drop(fd);
        // EAGAIN: a full queue has an owner as well.
        int refused = connect(other, name, sizeof address) < 0 && errno == ECONNREFUSED;
        close(other);
        errno = EADDRINUSE;
        if (!refused || unlink(path) < 0 || bind(fd, name, sizeof address) < 0) return drop(fd);
    }
    if (listen(fd, 1) < 0) return drop(fd);
    return fd;
}

int host_accept(int listener) {
    int fd;
    do fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int host_open_output(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

int host_unlink(const char *path) { return unlink(path) < 0 ? -errno : 0; }

int host_terminal_size(int fd, uint16_t *columns, uint16_t *rows) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}
