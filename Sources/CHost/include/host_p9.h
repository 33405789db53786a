#ifndef HOST_P9_H
#define HOST_P9_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
// File calls for sharing a directory. Everything starts at a descriptor and takes one name, which the
// caller has checked; results below 0 are -errno, and EINTR is retried. `fd` may be an O_PATH descriptor
// wherever nothing else is said.

typedef struct {
    uint32_t mode, user, group, links, block_size;
    uint64_t device, inode, represents, size, blocks;
    int64_t accessed, modified, changed, born;
    uint32_t accessed_ns, modified_ns, changed_ns, born_ns;
    bool has_birth;
} host_p9_status;

typedef struct {
    uint64_t type, block_size, blocks, free_blocks, available_blocks, files, free_files, id, name_length;
} host_p9_filesystem;

// The user's own path: symbolic links are followed. An O_PATH descriptor of a directory.
int host_p9_open_root(const char *_Nonnull path);
// Whether /proc/self/fd leads to this process's descriptors, without which nothing can be opened again.
bool host_p9_has_procfs(void);
// O_PATH on `name` in `directory`, never following a link and never leaving `directory`.
int host_p9_walk(int directory, const char *_Nonnull name);
// Creates and opens `name` in `directory`, which must not be there yet.
int host_p9_create(int directory, const char *_Nonnull name, int flags, uint32_t mode);
// Opens what `fd` stands for once more; `fd` must be a regular file or a directory.
int host_p9_reopen(int fd, int flags);
// O_PATH on what `fd` stands for.
int host_p9_reopen_path(int fd);

int host_p9_stat(int fd, host_p9_status *_Nonnull status);
int host_p9_stat_filesystem(int fd, host_p9_filesystem *_Nonnull status);
bool host_p9_is_procfs(int fd);
intptr_t host_p9_read(int fd, void *_Nonnull buffer, size_t size, uint64_t offset);
intptr_t host_p9_write(int fd, const void *_Nonnull buffer, size_t size, uint64_t offset);
// getdents64's records from the cookie `offset` on. `fd` is an open directory.
intptr_t host_p9_read_directory(int fd, uint64_t offset, void *_Nonnull buffer, size_t size);
int host_p9_sync(int fd, bool data_only);
intptr_t host_p9_read_link(int fd, void *_Nonnull buffer, size_t size);

int host_p9_make_directory(int directory, const char *_Nonnull name, uint32_t mode);
int host_p9_make_node(int directory, const char *_Nonnull name, uint32_t mode);
int host_p9_make_symlink(const char *_Nonnull target, int directory, const char *_Nonnull name);
int host_p9_link(int fd, int directory, const char *_Nonnull name);
int host_p9_unlink(int directory, const char *_Nonnull name, bool is_directory);
int host_p9_rename(int from, const char *_Nonnull old_name, int to, const char *_Nonnull new_name);

// An id of all ones stays as it is.
int host_p9_change_owner(int fd, uint32_t user, uint32_t group);
// Not for symbolic links.
int host_p9_change_mode(int fd, uint32_t mode);
// `fd` is open for writing.
int host_p9_truncate_open(int fd, uint64_t size);
// `fd` must be a regular file.
int host_p9_truncate(int fd, uint64_t size);
enum host_p9_time { HOST_P9_TIME_KEEP, HOST_P9_TIME_NOW, HOST_P9_TIME_SET };
int host_p9_change_times(int fd, enum host_p9_time accessed, int64_t accessed_s, uint32_t accessed_ns,
                         enum host_p9_time modified, int64_t modified_s, uint32_t modified_ns);

// Extended attributes; `fd` must be a regular file or a directory.
intptr_t host_p9_get_attribute(int fd, const char *_Nonnull name, void *_Nullable value, size_t size);
intptr_t host_p9_list_attributes(int fd, void *_Nullable names, size_t size);
int host_p9_set_attribute(int fd, const char *_Nonnull name, const void *_Nonnull value, size_t size,
                          int flags);
int host_p9_remove_attribute(int fd, const char *_Nonnull name);

// Raises the number of descriptors that this process may have as far as the host lets it; the result is
// how many.
uint64_t host_p9_raise_descriptor_limit(void);
#endif
