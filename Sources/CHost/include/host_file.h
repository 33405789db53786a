#ifndef HOST_FILE_H
#define HOST_FILE_H
#include <stddef.h>
#include <stdint.h>
// What a path names, found without opening it: opening a device can have effects of its own.
enum host_path_kind {
    HOST_PATH_REGULAR = 1,
    HOST_PATH_DIRECTORY = 2,
    HOST_PATH_CHARACTER_DEVICE = 3,
    HOST_PATH_BLOCK_DEVICE = 4,
    HOST_PATH_PIPE = 5,
    HOST_PATH_SOCKET = 6,
    HOST_PATH_OTHER = 7,
};
// A value of `host_path_kind`, following symbolic links; -errno on failure.
int host_path_kind(const char *_Nonnull path);
// Whether errno says that the path leads nowhere (no such file, a link loop, a name too long).
int host_error_is_missing(int error);
// Whether errno says that the file is there but closed to us.
int host_error_is_permission(int error);
// Whether errno says that somebody else has it (EADDRINUSE, EBUSY).
int host_error_is_in_use(int error);
// Whether errno says that a name is too long.
int host_error_is_long_name(int error);
#endif
