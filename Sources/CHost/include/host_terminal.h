#ifndef HOST_TERMINAL_H
#define HOST_TERMINAL_H
#include <stdbool.h>
// The terminal's mode, and getting it back however the process ends. One terminal a process.

// Raw mode for the terminal behind `fd`, remembering how it was; once more if it is raw already, since a
// shell may have changed it meanwhile. 0, or -errno (-ENOTTY: no terminal).
// From the first success on, exit() and fatal signals give the terminal back.
int host_terminal_raw(int fd);
// Gives the terminal back as it was; harmless when nothing is to be given back. Async-signal-safe.
void host_terminal_restore(void);
bool host_is_terminal(int fd);
// False while the terminal belongs to another job of the shell: touching it would disturb that job.
bool host_terminal_in_foreground(int fd);
#endif
