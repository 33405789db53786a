#ifndef HOST_CONSOLE_H
#define HOST_CONSOLE_H
#include <stddef.h>
#include <stdint.h>
// What a console needs of its descriptors, and the host of the command.

// Opens /dev/null in place of each of 0, 1 and 2 that is closed, so that no file we open takes its number.
// Bit n is set when descriptor n was closed.
int host_standard_descriptors(void);
// Writes what fits, waiting while nothing does, even on a descriptor that somebody made non-blocking.
// Bytes written, or -errno.
intptr_t host_write_patiently(int fd, const void *_Nonnull buffer, size_t size);
// As host_poll_read for three descriptors: bits 0, 1 and 2.
int host_poll_three(int a, int b, int c, int timeout_ms);
// The path of this program, without a final NUL: its length, or -errno.
intptr_t host_executable_path(void *_Nonnull buffer, size_t size);
// Cores that this process may run on.
int host_core_count(void);
#endif
