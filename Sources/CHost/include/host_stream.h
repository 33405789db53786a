#ifndef HOST_STREAM_H
#define HOST_STREAM_H
#include <stddef.h>
#include <stdint.h>
// The other ends of consoles. Every descriptor is non-blocking and closed on exec; failures are -errno.

// A new pseudo-terminal in raw mode, hung up until somebody opens it: the controlling side. `path` takes the
// name of the other side, with a final NUL.
int host_pty_open(char *_Nonnull path, size_t size);
// A socket that listens at `path`, in place of one whose owner is gone. -EADDRINUSE when somebody listens
// there, or something else has the name; -ENAMETOOLONG beyond what an address can hold.
int host_unix_listen(const char *_Nonnull path);
// The next connection, -EAGAIN when there is none.
int host_accept(int listener);
// A file to be written from its start. A pipe without a reader gives -ENXIO instead of waiting for one.
int host_open_output(const char *_Nonnull path);
int host_unlink(const char *_Nonnull path);
// Columns and rows of the terminal behind `fd`: 0, or -errno. Both are 0 when nobody has said.
int host_terminal_size(int fd, uint16_t *_Nonnull columns, uint16_t *_Nonnull rows);
#endif
