#define _GNU_SOURCE
#include "host_file.h"
#include <errno.h>
#include <sys/stat.h>

int host_path_kind(const char *path) {
    struct stat s;
    if (stat(path, &s) < 0) return -errno;
    switch (s.st_mode & S_IFMT) {
    case S_IFREG: return HOST_PATH_REGULAR;
    case S_IFDIR: return HOST_PATH_DIRECTORY;
    case S_IFCHR: return HOST_PATH_CHARACTER_DEVICE;
    case S_IFBLK: return HOST_PATH_BLOCK_DEVICE;
    case S_IFIFO: return HOST_PATH_PIPE;
    case S_IFSOCK: return HOST_PATH_SOCKET;
    default: return HOST_PATH_OTHER;
    }
}
int host_error_is_missing(int error) {
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
}
int host_error_is_permission(int error) { return error == EACCES || error == EPERM; }
int host_error_is_in_use(int error) { return error == EADDRINUSE || error == EBUSY; }
int host_error_is_long_name(int error) { return error == ENAMETOOLONG; }
