#ifndef HOST_THREAD_H
#define HOST_THREAD_H
#include <stdbool.h>
#include <stdint.h>
// Threads, locks and clocks over pthread. Every handle is heap-allocated and owned by the caller.
typedef struct host_mutex host_mutex;
typedef struct host_cond host_cond;
typedef struct host_thread host_thread;
typedef void (*host_thread_entry)(void *_Nullable);

host_mutex *_Nonnull host_mutex_create(void);
void host_mutex_destroy(host_mutex *_Nonnull);
void host_mutex_lock(host_mutex *_Nonnull);
void host_mutex_unlock(host_mutex *_Nonnull);

host_cond *_Nonnull host_cond_create(void);
void host_cond_destroy(host_cond *_Nonnull);
void host_cond_wait(host_cond *_Nonnull, host_mutex *_Nonnull);
// Waits until signalled or until CLOCK_MONOTONIC reaches `deadline` nanoseconds. False on time-out.
bool host_cond_wait_until(host_cond *_Nonnull, host_mutex *_Nonnull, uint64_t deadline);
void host_cond_signal(host_cond *_Nonnull);
void host_cond_broadcast(host_cond *_Nonnull);

// Starts a thread with all signals but faults blocked, so that signals reach the main thread alone.
// NULL on refusal; `*error` then holds errno.
host_thread *_Nullable host_thread_start(host_thread_entry _Nonnull, void *_Nullable argument,
                                         const char *_Nonnull name, int *_Nonnull error);
void host_thread_join(host_thread *_Nonnull);
// Lets a thread run to its end by itself, instead of joining it.
void host_thread_detach(host_thread *_Nonnull);
void host_thread_yield(void);
// Keeps the calling thread on one of the cores that it may use, each `place` of a process on the next one. For good,
// but not for the threads that it starts.
void host_thread_pin(unsigned place);

// How long the calling thread has waited, ready to run, for a core: nanoseconds; 0 where the kernel doesn't say.
uint64_t host_thread_run_delay(void);

uint64_t host_clock_monotonic_ns(void);
uint64_t host_clock_realtime_ns(void);
void host_sleep_ns(uint64_t);
#endif
