#define _GNU_SOURCE
#include "host_p9.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define RETRY(call)                                    \
    ({                                                 \
        intptr_t r_;                                   \
        do { r_ = (call); } while (r_ < 0 && errno == EINTR); \
        r_ < 0 ? -(intptr_t)errno : r_;                \
    })

// The path under which procfs leads to what a descriptor stands for: never what a name has become since.
struct descriptor_path { char text[32]; };
static struct descriptor_path path_of(int fd) {
    struct descriptor_path p;
    snprintf(p.text, sizeof p.text, "/proc/self/fd/%d", fd);
    return p;
}

static int open_beneath(int directory, const char *name, uint64_t flags, uint64_t mode) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    };
    return (int)RETRY(syscall(SYS_openat2, directory, name, &how, sizeof how));
}

int host_p9_open_root(const char *path) {
    return (int)RETRY(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}
bool host_p9_has_procfs(void) {
    int fd = (int)RETRY(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0) return false;
    bool is = host_p9_is_procfs(fd);
    close(fd);
    return is;
}
// Without O_NOFOLLOW, RESOLVE_NO_SYMLINKS would refuse a link instead of handing out a descriptor of it.
int host_p9_walk(int directory, const char *name) { return open_beneath(directory, name, O_PATH | O_NOFOLLOW, 0); }
int host_p9_create(int directory, const char *name, int flags, uint32_t mode) {
    return open_beneath(directory, name,
                        (uint64_t)(unsigned)flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode & 07777);
}
// O_NONBLOCK: some files of the kernel's own keep a reader waiting.
int host_p9_reopen(int fd, int flags) {
    return (int)RETRY(open(path_of(fd).text, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}
int host_p9_reopen_path(int fd) {
    return (int)RETRY(open(path_of(fd).text, O_PATH | O_CLOEXEC));
}

int host_p9_stat(int fd, host_p9_status *s) {
    struct statx x;
    int r = (int)RETRY(statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, &x));
    if (r < 0) return r;
    *s = (host_p9_status){
        .mode = x.stx_mode, .user = x.stx_uid, .group = x.stx_gid, .links = x.stx_nlink, .block_size = x.stx_blksize,
        .device = makedev(x.stx_dev_major, x.stx_dev_minor), .inode = x.stx_ino,
        .represents = makedev(x.stx_rdev_major, x.stx_rdev_minor), .size = x.stx_size, .blocks = x.stx_blocks,
        .accessed = x.stx_atime.tv_sec, .modified = x.stx_mtime.tv_sec, .changed = x.stx_ctime.tv_sec,
        .accessed_ns = x.stx_atime.tv_nsec, .modified_ns = x.stx_mtime.tv_nsec, .changed_ns = x.stx_ctime.tv_nsec,
        .has_birth = (x.stx_mask & STATX_BTIME) != 0,
    };
    if (s->has_birth) {
        s->born = x.stx_btime.tv_sec;
        s->born_ns = x.stx_btime.tv_nsec;
    }
    return 0;
}
int host_p9_stat_filesystem(int fd, host_p9_filesystem *s) {
    struct statfs f;
    int r = (int)RETRY(fstatfs(fd, &f));
    if (r < 0) return r;
    *s = (host_p9_filesystem){
        .type = (uint64_t)f.f_type, .block_size = (uint64_t)f.f_bsize, .blocks = f.f_blocks, .free_blocks = f.f_bfree,
        .available_blocks = f.f_bavail, .files = f.f_files, .free_files = f.f_ffree,
        .id = (uint32_t)f.f_fsid.__val[0] | (uint64_t)(uint32_t)f.f_fsid.__val[1] << 32,
        .name_length = (uint64_t)f.f_namelen,
    };
    return 0;
}
bool host_p9_is_procfs(int fd) {
    struct statfs f;
    return RETRY(fstatfs(fd, &f)) == 0 && (unsigned long)f.f_type == PROC_SUPER_MAGIC;
}
intptr_t host_p9_read(int fd, void *b, size_t n, uint64_t o) { return RETRY(pread(fd, b, n, (off_t)o)); }
intptr_t host_p9_write(int fd, const void *b, size_t n, uint64_t o) { return RETRY(pwrite(fd, b, n, (off_t)o)); }
intptr_t host_p9_read_directory(int fd, uint64_t offset, void *b, size_t n) {
    off_t r = lseek(fd, (off_t)offset, SEEK_SET);
    if (r < 0) return -errno;
    return RETRY(getdents64(fd, b, n));
}
int host_p9_sync(int fd, bool data_only) { return (int)RETRY(data_only ? fdatasync(fd) : fsync(fd)); }
intptr_t host_p9_read_link(int fd, void *b, size_t n) { return RETRY(readlinkat(fd, "", b, n)); }

int host_p9_make_directory(int d, const char *name, uint32_t mode) { return (int)RETRY(mkdirat(d, name, mode & 07777)); }
int host_p9_make_node(int d, const char *name, uint32_t mode) { return (int)RETRY(mknodat(d, name, mode, 0)); }
int host_p9_make_symlink(const char *target, int d, const char *name) { return (int)RETRY(symlinkat(target, d, name)); }
// AT_SYMLINK_FOLLOW follows procfs's own link to the file, and no further one.
int host_p9_link(int fd, int d, const char *name) {
    return (int)RETRY(linkat(AT_FDCWD, path_of(fd).text, d, name, AT_SYMLINK_FOLLOW));
}
int host_p9_unlink(int d, const char *name, bool is_directory) {
    return (int)RETRY(unlinkat(d, name, is_directory ? AT_REMOVEDIR : 0));
}
int host_p9_rename(int from, const char *old, int to, const char *new) { return (int)RETRY(renameat(from, old, to, new)); }

int host_p9_change_owner(int fd, uint32_t user, uint32_t group) {
    return (int)RETRY(fchownat(fd, "", user, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}
int host_p9_change_mode(int fd, uint32_t mode) {
    return (int)RETRY(chmod(path_of(fd).text, mode & 07777));
}
int host_p9_truncate_open(int fd, uint64_t size) { return (int)RETRY(ftruncate(fd, (off_t)size)); }
int host_p9_truncate(int fd, uint64_t size) {
    int open = host_p9_reopen(fd, O_WRONLY);
    if (open < 0) return open;
    int r = host_p9_truncate_open(open, size);
    close(open);
    return r;
}
static struct timespec time_of(enum host_p9_time how, int64_t s, uint32_t ns) {
    switch (how) {
    case HOST_P9_TIME_NOW: return (struct timespec){ .tv_nsec = UTIME_NOW };
    case HOST_P9_TIME_SET: return (struct timespec){ .tv_sec = s, .tv_nsec = ns };
    default: return (struct timespec){ .tv_nsec = UTIME_OMIT };
    }
}
int host_p9_change_times(int fd, enum host_p9_time accessed, int64_t accessed_s, uint32_t accessed_ns,
                         enum host_p9_time modified, int64_t modified_s, uint32_t modified_ns) {
    struct timespec t[2] = { time_of(accessed, accessed_s, accessed_ns), time_of(modified, modified_s, modified_ns) };
    return (int)RETRY(utimensat(fd, "", t, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

intptr_t host_p9_get_attribute(int fd, const char *name, void *value, size_t size) {
    return RETRY(getxattr(path_of(fd).text, name, value, size));
}
intptr_t host_p9_list_attributes(int fd, void *names, size_t size) {
    return RETRY(listxattr(path_of(fd).text, names, size));
}
int host_p9_set_attribute(int fd, const char *name, const void *value, size_t size, int flags) {
    return (int)RETRY(setxattr(path_of(fd).text, name, value, size, flags));
}
int host_p9_remove_attribute(int fd, const char *name) {
    return (int)RETRY(removexattr(path_of(fd).text, name));
}

uint64_t host_p9_raise_descriptor_limit(void) {
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) < 0) return 1024;
    rlim_t before = l.rlim_cur;
    l.rlim_cur = l.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &l) < 0 ? before : l.rlim_max;
}
