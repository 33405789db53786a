#ifndef HOST_SIGNAL_H
#define HOST_SIGNAL_H
#include <stdbool.h>
#include <stdint.h>
// Signals as bytes to be read, so that nothing of ours runs inside a handler.

// Routes SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT and SIGWINCH, and SIGUSR1 if `user` says so, to a
// descriptor, except those that whoever started us had ignored (nohup). Call before any thread starts. The descriptor,
// or -errno.
int host_signals_open(bool user);
// The next signal's number; 0 when there is none; -errno.
int host_signals_next(int fd);
// SIGPIPE becomes EPIPE.
void host_signal_ignore_pipe(void);
// Stops this process as SIGTSTP would; returns when it is continued.
void host_signal_stop_self(void);
// Ends the process at once: no atexit, no flush.
_Noreturn void host_exit_now(int status);
// Ends the process through atexit.
_Noreturn void host_exit(int status);
#endif
