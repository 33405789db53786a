#ifndef HOST_BLOCK_H
#define HOST_BLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
// Disk images: opening, locking and moving bytes. Calls return -errno and retry after EINTR.

// A stretch of memory: struct iovec.
struct host_stretch { void *_Nonnull base; size_t count; };

// Opens an image without creating it. -errno; a FIFO or a socket doesn't hold it up.
int host_image_open(const char *_Nonnull path, bool writable, bool direct);
// A file without a name, open for both, in the directory that TMPDIR or else /var/tmp names.
int host_image_open_temporary(void);

enum host_image_kind { HOST_IMAGE_FILE = 1, HOST_IMAGE_DEVICE = 2, HOST_IMAGE_OTHER = 3 };
struct host_image_facts {
    // A value of `host_image_kind`.
    int kind;
    // Bytes.
    uint64_t size;
    // What direct I/O asks of addresses, and of offsets and lengths; both powers of two.
    uint32_t memory_alignment, offset_alignment;
    // The block that the file system or device prefers, in bytes.
    uint32_t physical_block;
    bool is_read_only;
};
int host_image_inspect(int fd, struct host_image_facts *_Nonnull facts);

// Locks the whole file for this open file description, against others of our kind and of other processes.
// 0, or -EAGAIN when somebody else holds it.
int host_image_lock(int fd, bool exclusive);
// Who has a lock on the file behind `fd`: the process id, and its name (a C string). 0 when nobody was found.
int host_image_lock_holder(int fd, char *_Nonnull name, size_t size);
int host_process_id(void);

// As preadv(2) and pwritev(2); at most the first 1024 stretches count.
intptr_t host_image_read(int fd, const struct host_stretch *_Nonnull to, size_t n, uint64_t offset);
intptr_t host_image_write(int fd, const struct host_stretch *_Nonnull from, size_t n, uint64_t offset);
// fdatasync(2).
int host_image_sync(int fd);
// Deallocates a range, which reads as zeros afterwards.
int host_image_punch(int fd, uint64_t offset, uint64_t count);
// Zeroes a range without deallocating it, beyond the file's end as well, which stays where it is.
int host_image_zero(int fd, uint64_t offset, uint64_t count);
// The same for a block device; a discarded range may read as anything.
int host_device_discard(int fd, uint64_t offset, uint64_t count);
int host_device_zero(int fd, uint64_t offset, uint64_t count);
int host_image_set_size(int fd, uint64_t size);
// Whether -`error` says that the call doesn't exist here, as opposed to having failed.
bool host_error_is_unsupported(int error);
bool host_error_is_busy(int error);
bool host_error_is_read_only(int error);
extern const int host_error_io;

// `size` bytes at a multiple of `alignment`; NULL when there is no memory.
void *_Nullable host_aligned_allocate(size_t size, size_t alignment);
void host_aligned_free(void *_Nullable p);
#endif
