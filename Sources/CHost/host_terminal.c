#define _GNU_SOURCE
#include "host_terminal.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

// A handler may read these at any moment: `saved` and `terminal` are complete before `raw` is set.
static struct termios saved;
static int terminal = -1;
static volatile sig_atomic_t raw;

static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
#define FATALS (sizeof fatal / sizeof *fatal)
static struct sigaction before[FATALS];

bool host_is_terminal(int fd) { return isatty(fd) == 1; }

bool host_terminal_in_foreground(int fd) {
    pid_t owner = tcgetpgrp(fd);
    // A terminal that isn't our controlling one (-1, ENOTTY) has no jobs to disturb.
    return owner < 0 || owner == getpgrp();
}

void host_terminal_restore(void) {
    if (!raw) return;
    int error = errno;
    tcsetattr(terminal, TCSANOW, &saved);
    raw = 0;
    errno = error;
}

// Gives the terminal back and lets the signal do what it would have done without us.
static void die(int number) {
    host_terminal_restore();
    for (unsigned i = 0; i < FATALS; i++)
        if (fatal[i] == number) sigaction(number, &before[i], NULL);
    raise(number);
    // Swift's own handler writes its backtrace and returns, counting on the fault to happen again; a signal
    // that somebody sent doesn't.
    signal(number, SIG_DFL);
    raise(number);
}

static void arm(void) {
    static bool armed;
    if (armed) return;
    armed = true;
    atexit(host_terminal_restore);
    // A stack of its own: the main thread's may be what ran out.
    static char stack[64 << 10];
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    struct sigaction action = { .sa_handler = die, .sa_flags = SA_ONSTACK | SA_NODEFER };
    for (unsigned i = 0; i < FATALS; i++) sigaction(fatal[i], &action, &before[i]);
}

int host_terminal_raw(int fd) {
    if (!raw) {
        struct termios now;
        if (tcgetattr(fd, &now) < 0) return -errno;
        saved = now;
        terminal = fd;
        arm();
    }
    struct termios mode = saved;
    // Output becomes raw too: a guest in full-screen mode means its newlines as "one line down" and no more.
    cfmakeraw(&mode);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    raw = 1;
    if (tcsetattr(terminal, TCSANOW, &mode) < 0) { raw = 0; return -errno; }
    return 0;
}
