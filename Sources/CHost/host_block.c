#define _GNU_SOURCE
#include "host_block.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define RETRY(call)                                    \
    ({                                                 \
        intptr_t r_;                                   \
        do { r_ = (call); } while (r_ < 0 && errno == EINTR); \
        r_ < 0 ? -(intptr_t)errno : r_;                \
    })

_Static_assert(sizeof(struct host_stretch) == sizeof(struct iovec), "struct host_stretch is struct iovec");
const int host_error_io = EIO;

int host_image_open(const char *path, bool writable, bool direct) {
    int flags = (writable ? O_RDWR : O_RDONLY) | (direct ? O_DIRECT : 0) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    return (int)RETRY(open(path, flags));
}

int host_image_open_temporary(void) {
    const char *directory = getenv("TMPDIR");
    if (!directory || !*directory) directory = "/var/tmp";
    int fd = (int)RETRY(open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd >= 0 || !host_error_is_unsupported(-fd)) return fd;
    char name[4096];
    if ((size_t)snprintf(name, sizeof name, "%s/rvkvm-XXXXXX", directory) >= sizeof name) return -ENAMETOOLONG;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) return -errno;
    unlink(name);
    return fd;
}

static void inspect_device(int fd, struct host_image_facts *facts) {
    uint64_t size = 0;
    if (ioctl(fd, BLKGETSIZE64, &size) == 0) facts->size = size;
    int sector = 0, read_only = 0;
    unsigned physical = 0;
    if (ioctl(fd, BLKSSZGET, &sector) == 0 && sector > 0) facts->memory_alignment = facts->offset_alignment = (uint32_t)sector;
    if (ioctl(fd, BLKPBSZGET, &physical) == 0 && physical > 0) facts->physical_block = physical;
    if (ioctl(fd, BLKROGET, &read_only) == 0) facts->is_read_only = read_only != 0;
}

int host_image_inspect(int fd, struct host_image_facts *facts) {
    struct stat s;
    if (fstat(fd, &s) < 0) return -errno;
    *facts = (struct host_image_facts){
        .kind = S_ISREG(s.st_mode) ? HOST_IMAGE_FILE : S_ISBLK(s.st_mode) ? HOST_IMAGE_DEVICE : HOST_IMAGE_OTHER,
        .size = (uint64_t)s.st_size,
        .memory_alignment = 4096, .offset_alignment = 4096, .physical_block = (uint32_t)s.st_blksize,
    };
    if (facts->kind == HOST_IMAGE_DEVICE) inspect_device(fd, facts);
#ifdef STATX_DIOALIGN
    struct statx x;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &x) == 0 && (x.stx_mask & STATX_DIOALIGN) && x.stx_dio_offset_align) {
        facts->memory_alignment = x.stx_dio_mem_align;
        facts->offset_alignment = x.stx_dio_offset_align;
    }
#endif
    return 0;
}

int host_image_lock(int fd, bool exclusive) {
    struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
    int r = (int)RETRY(fcntl(fd, F_OFD_SETLK, &lock));
    return r == -EACCES ? -EAGAIN : r;
}

// Whether the process' descriptor has a lock, by what /proc/PID/fdinfo/FD says.
static bool has_lock(const char *pid, const char *fd) {
    char path[512], line[256];
    snprintf(path, sizeof path, "/proc/%s/fdinfo/%s", pid, fd);
    FILE *f = fopen(path, "re");
    if (!f) return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, f)) found = strncmp(line, "lock:", 5) == 0;
    fclose(f);
    return found;
}

static bool holds(const char *pid, dev_t device, ino_t inode, int except) {
    char path[512];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *fds = opendir(path);
    if (!fds) return false;
    bool found = false;
    struct dirent *entry;
    while (!found && (entry = readdir(fds))) {
        struct stat s;
        if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == except) continue;
        found = fstatat(dirfd(fds), entry->d_name, &s, 0) == 0 && s.st_dev == device && s.st_ino == inode
            && has_lock(pid, entry->d_name);
    }
    closedir(fds);
    return found;
}

int host_image_lock_holder(int fd, char *name, size_t size) {
    struct stat s;
    if (size == 0 || fstat(fd, &s) < 0) return 0;
    name[0] = 0;
    DIR *processes = opendir("/proc");
    if (!processes) return 0;
    int found = 0;
    struct dirent *entry;
    while (!found && (entry = readdir(processes))) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        int pid = atoi(entry->d_name);
        if (!holds(entry->d_name, s.st_dev, s.st_ino, pid == getpid() ? fd : -1)) continue;
        found = pid;
        char path[512];
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *f = fopen(path, "re");
        if (!f) continue;
        if (fgets(name, (int)size, f)) name[strcspn(name, "\n")] = 0;
        fclose(f);
    }
    closedir(processes);
    return found;
}

int host_process_id(void) { return getpid(); }

static int limited(size_t n) { return n > IOV_MAX ? IOV_MAX : (int)n; }
intptr_t host_image_read(int fd, const struct host_stretch *to, size_t n, uint64_t offset) {
    return RETRY(preadv(fd, (const struct iovec *)to, limited(n), (off_t)offset));
}
intptr_t host_image_write(int fd, const struct host_stretch *from, size_t n, uint64_t offset) {
    return RETRY(pwritev(fd, (const struct iovec *)from, limited(n), (off_t)offset));
}
int host_image_sync(int fd) { return (int)RETRY(fdatasync(fd)); }
int host_image_punch(int fd, uint64_t offset, uint64_t count) {
    return (int)RETRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)count));
}
int host_image_zero(int fd, uint64_t offset, uint64_t count) {
    return (int)RETRY(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)count));
}
int host_device_discard(int fd, uint64_t offset, uint64_t count) {
    uint64_t range[2] = { offset, count };
    return (int)RETRY(ioctl(fd, BLKDISCARD, range));
}
int host_device_zero(int fd, uint64_t offset, uint64_t count) {
    uint64_t range[2] = { offset, count };
    return (int)RETRY(ioctl(fd, BLKZEROOUT, range));
}
int host_image_set_size(int fd, uint64_t size) { return (int)RETRY(ftruncate(fd, (off_t)size)); }
bool host_error_is_unsupported(int error) {
    return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY || error == EINVAL || error == EISDIR;
}
bool host_error_is_busy(int error) { return error == EAGAIN || error == EBUSY; }
bool host_error_is_read_only(int error) { return error == EROFS || error == EACCES || error == EPERM || error == ETXTBSY; }

void *host_aligned_allocate(size_t size, size_t alignment) {
    void *p = NULL;
    return posix_memalign(&p, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) == 0 ? p : NULL;
}
void host_aligned_free(void *p) { free(p); }
