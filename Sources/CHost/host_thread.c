#define _GNU_SOURCE
#include "host_thread.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct host_mutex { pthread_mutex_t value; };
struct host_cond { pthread_cond_t value; };
struct host_thread { pthread_t value; };
// What a thread takes along; its own, since a detached thread's handle may be gone before it looks.
struct start { host_thread_entry entry; void *argument; bool unpinned; cpu_set_t cores; };
// What `host_thread_pin` took from the thread.
static _Thread_local bool pinned;
static _Thread_local cpu_set_t cores;

static void *allocate(size_t size) {
    void *p = calloc(1, size);
    if (!p) abort();
    return p;
}

host_mutex *host_mutex_create(void) {
    host_mutex *m = allocate(sizeof *m);
    pthread_mutex_init(&m->value, NULL);
    return m;
}
void host_mutex_destroy(host_mutex *m) { pthread_mutex_destroy(&m->value); free(m); }
void host_mutex_lock(host_mutex *m) { pthread_mutex_lock(&m->value); }
void host_mutex_unlock(host_mutex *m) { pthread_mutex_unlock(&m->value); }

host_cond *host_cond_create(void) {
    host_cond *c = allocate(sizeof *c);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&c->value, &attributes);
    pthread_condattr_destroy(&attributes);
    return c;
}
void host_cond_destroy(host_cond *c) { pthread_cond_destroy(&c->value); free(c); }
void host_cond_wait(host_cond *c, host_mutex *m) { pthread_cond_wait(&c->value, &m->value); }
bool host_cond_wait_until(host_cond *c, host_mutex *m, uint64_t deadline) {
    struct timespec t = { .tv_sec = (time_t)(deadline / 1000000000u), .tv_nsec = (long)(deadline % 1000000000u) };
    return pthread_cond_timedwait(&c->value, &m->value, &t) != ETIMEDOUT;
}
void host_cond_signal(host_cond *c) { pthread_cond_signal(&c->value); }
void host_cond_broadcast(host_cond *c) { pthread_cond_broadcast(&c->value); }

static void *enter(void *p) {
    struct start s = *(struct start *)p;
    free(p);
    if (s.unpinned) sched_setaffinity(0, sizeof s.cores, &s.cores);
    s.entry(s.argument);
    return NULL;
}

host_thread *host_thread_start(host_thread_entry entry, void *argument, const char *name, int *error) {
    host_thread *t = allocate(sizeof *t);
    struct start *s = allocate(sizeof *s);
    *s = (struct start){ .entry = entry, .argument = argument, .unpinned = pinned, .cores = cores };
    sigset_t all, old;
    sigfillset(&all);
    // A fault of the thread's own: blocked, it would end the process past the handler that gives the
    // terminal back.
    static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int status = pthread_create(&t->value, NULL, enter, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (status) { free(s); free(t); *error = status; return NULL; }
    pthread_setname_np(t->value, name);
    return t;
}
void host_thread_join(host_thread *t) { pthread_join(t->value, NULL); free(t); }
void host_thread_detach(host_thread *t) { pthread_detach(t->value); free(t); }
void host_thread_yield(void) { sched_yield(); }

void host_thread_pin(unsigned place) {
    if (pinned || sched_getaffinity(0, sizeof cores, &cores) < 0) return;
    pinned = true;
    int count = CPU_COUNT(&cores);
    if (count < 2) return;
    // Processes begin at different ones.
    int skipped = (int)(((unsigned)getpid() + place) % (unsigned)count);
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &cores) || skipped-- > 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

// /proc/PID/schedstat: time on a core, time waited for one, number of turns.
uint64_t host_thread_run_delay(void) {
    char text[96];
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    char *end;
    strtoull(text, &end, 10);
    return strtoull(end, NULL, 10);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
uint64_t host_clock_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t host_clock_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }
void host_sleep_ns(uint64_t ns) {
    struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };
    nanosleep(&t, NULL);
}
