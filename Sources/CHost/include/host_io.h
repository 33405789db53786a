#ifndef HOST_IO_H
#define HOST_IO_H
#include <stddef.h>
#include <stdint.h>
// File calls that return -errno instead of setting errno, and retry after EINTR.
int host_open_read(const char *_Nonnull path);
int host_open_write_truncate(const char *_Nonnull path);
void host_close(int fd);
intptr_t host_read(int fd, void *_Nonnull buffer, size_t size);
intptr_t host_write(int fd, const void *_Nonnull buffer, size_t size);
intptr_t host_pread(int fd, void *_Nonnull buffer, size_t size, uint64_t offset);
// What a path names: 1 regular file, 2 directory, 3 anything else; -errno on failure. `*size` in bytes.
int host_file_kind(int fd, uint64_t *_Nonnull size);
const char *_Nonnull host_error_text(int error);
// Waits until `fd` or `wake` is readable: bit 0 for fd (also at its end), bit 1 for wake; 0 after the
// time-out (milliseconds, -1 for none); -errno on failure. A negative fd is ignored.
int host_poll_read(int fd, int wake, int timeout_ms);
int host_eventfd(void);
void host_eventfd_signal(int fd);
void host_eventfd_drain(int fd);
// Fills with fresh random bytes; 0 or -errno.
int host_random(void *_Nonnull buffer, size_t size);
uint64_t host_memory_total(void);
#endif
