#define _GNU_SOURCE
#include "host_signal.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int routed[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1 };
#define ROUTED (sizeof routed / sizeof *routed)

int host_signals_open(bool user) {
    sigset_t set;
    sigemptyset(&set);
    // The last one is the user's.
    for (unsigned i = 0; i < ROUTED - !user; i++) {
        struct sigaction action;
        if (sigaction(routed[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&set, routed[i]);
    }
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error) return -error;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int host_signals_next(int fd) {
    struct signalfd_siginfo info;
    ssize_t n;
    do n = read(fd, &info, sizeof info); while (n < 0 && errno == EINTR);
    if (n == sizeof info) return (int)info.ssi_signo;
    return n < 0 && errno != EAGAIN ? -errno : 0;
}

void host_signal_ignore_pipe(void) { signal(SIGPIPE, SIG_IGN); }
void host_signal_stop_self(void) { kill(getpid(), SIGSTOP); }
void host_exit_now(int status) { _exit(status); }
void host_exit(int status) { exit(status); }
