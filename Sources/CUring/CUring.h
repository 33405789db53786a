// liburing under a few names of our own: most of it is inline functions over the ring's shared memory, which
// Swift calls better through functions without macros and atomics in their signatures.
#ifndef CURING_H
#define CURING_H
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct io_uring uring;

// A ring with room for `entries` submissions, or NULL; `*error` then holds errno.
static inline uring *_Nullable uring_open(unsigned entries, int *_Nonnull error) {
    uring *ring = calloc(1, sizeof *ring);
    if (!ring) { *error = ENOMEM; return NULL; }
    int r = io_uring_queue_init(entries, ring, 0);
    if (r < 0) { free(ring); *error = -r; return NULL; }
    return ring;
}
static inline void uring_close(uring *_Nonnull ring) {
    io_uring_queue_exit(ring);
    free(ring);
}
// Whether the kernel knows the operations used below.
static inline bool uring_is_complete(uring *_Nonnull ring) {
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    if (!probe) return false;
    bool ok = io_uring_opcode_supported(probe, IORING_OP_READV) && io_uring_opcode_supported(probe, IORING_OP_WRITEV)
        && io_uring_opcode_supported(probe, IORING_OP_FSYNC) && io_uring_opcode_supported(probe, IORING_OP_NOP);
    io_uring_free_probe(probe);
    return ok;
}

enum uring_operation { URING_READ, URING_WRITE, URING_SYNC, URING_WAKE };
// Prepares one operation. False when there is no room: submit and try again. `iovecs` has to stay until the
// operation has completed.
static inline bool uring_prepare(uring *_Nonnull ring, enum uring_operation operation, int fd,
                                 const void *_Nullable iovecs, unsigned n, uint64_t offset, uint64_t tag) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    if (!sqe) return false;
    switch (operation) {
    case URING_READ: io_uring_prep_readv(sqe, fd, (const struct iovec *)iovecs, n, offset); break;
    case URING_WRITE: io_uring_prep_writev(sqe, fd, (const struct iovec *)iovecs, n, offset); break;
    case URING_SYNC: io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC); break;
    case URING_WAKE: io_uring_prep_nop(sqe); break;
    }
    sqe->user_data = tag;
    return true;
}
// Hands over what was prepared: how many, or -errno.
static inline int uring_submit(uring *_Nonnull ring) { return io_uring_submit(ring); }
// Waits for a completion and takes it: 1, or -errno (-EINTR: try again).
static inline int uring_wait(uring *_Nonnull ring, uint64_t *_Nonnull tag, int *_Nonnull result) {
    struct io_uring_cqe *cqe;
    int r = io_uring_wait_cqe(ring, &cqe);
    if (r < 0) return r;
    *tag = cqe->user_data;
    *result = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return 1;
}
static inline bool uring_is_transient(int error) { return error == EINTR || error == EAGAIN || error == EBUSY; }
#endif
