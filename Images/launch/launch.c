// usage: launch COMMAND [ARGUMENT...]
//
// Starts a launcher of virtual machines and prints what that took until its guest had run its first instruction and
// the launcher had come to rest, on one line:
//
//     user U kernel K resident R anonymous A file F threads T
//
// U and K are instructions that the process and its threads retired, in user space and in the kernel, from the end of
// execve on; what the guest retired doesn't count. R, A and F are kB: VmRSS of /proc/PID/status, and its parts RssAnon,
// and RssFile with RssShmem, since an initrd's files count as the latter. The launcher is killed then. Its guest is to
// be a WFI with no interrupt enabled: KVM counts the guests' WFIs in debugfs, and one of them says that the first
// instruction has been reached.
//
// The instructions are perf events (PERF_COUNT_HW_INSTRUCTIONS), inherited by threads; each has its counter all the
// time, or else it is an error. "At rest" is: every thread sleeps, and the counts have been the same for a quarter of a
// second.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WFI_COUNT "/sys/kernel/debug/kvm/wfi_exit_stat"
enum { POLL_US = 25000, STEADY_POLLS = 10, LIMIT_POLLS = 60 * 1000000 / POLL_US };

static pid_t child;

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("launch: ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    if (child > 0) kill(child, SIGKILL);
    exit(1);
}

static uint64_t number_in(const char *path) {
    unsigned long long number = 0;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%llu", &number) != 1) fail("%s can't be read: %s", path, strerror(errno));
    fclose(file);
    return number;
}

// The number behind NAME: in /proc/PID/status.
static uint64_t status(const char *name) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", child);
    FILE *file = fopen(path, "r");
    if (!file) fail("%s: %s", path, strerror(errno));
    size_t length = strlen(name);
    unsigned long long number = 0;
    bool found = false;
    while (!found && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            number = strtoull(line + length + 1, NULL, 10);
            found = true;
        }
    }
    fclose(file);
    if (!found) fail("%s has no %s", path, name);
    return number;
}

static bool all_asleep(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", child);
    DIR *folder = opendir(path);
    if (!folder) return false;
    bool asleep = true;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char name[400], text[512];
        snprintf(name, sizeof name, "%s/%s/stat", path, entry->d_name);
        FILE *file = fopen(name, "r");
        size_t count = file ? fread(text, 1, sizeof text - 1, file) : 0;
        if (file) fclose(file);
        text[count] = 0;
        // "12 (any name) S ..."
        char *state = strrchr(text, ')');
        if (!state || strncmp(state, ") S", 3) != 0) asleep = false;
    }
    closedir(folder);
    return asleep;
}

static int counter(bool kernel) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attributes,
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        .disabled = 1,
        .enable_on_exec = 1,
        .inherit = 1,
        .exclude_user = kernel,
        .exclude_kernel = !kernel,
        .exclude_guest = 1,
    };
    int descriptor = (int)syscall(SYS_perf_event_open, &attributes, child, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (descriptor < 0) fail("the kernel counts no instructions: %s", strerror(errno));
    return descriptor;
}

static uint64_t count(int descriptor) {
    struct { uint64_t value, enabled, running; } answer;
    if (read(descriptor, &answer, sizeof answer) != sizeof answer) fail("a counter can't be read: %s", strerror(errno));
    if (answer.enabled != answer.running) fail("there are too few counters for two events at once");
    return answer.value;
}

static void start(char **command, int *user, int *kernel) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0) fail("no pipe: %s", strerror(errno));
    fflush(stdout);
    child = fork();
    if (child < 0) fail("no process: %s", strerror(errno));
    if (child == 0) {
        char byte;
        if (read(ready[0], &byte, 1) != 1) _exit(126);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        // Standard error stays, for what a launcher that fails says.
        dup2(null, 1);
        execv(command[0], command);
        _exit(127);
    }
    *user = counter(false);
    *kernel = counter(true);
    if (write(ready[1], "", 1) != 1) fail("no pipe: %s", strerror(errno));
    close(ready[0]);
    close(ready[1]);
}

int main(int argc, char **argv) {
    if (argc < 2) fail("no command");
    uint64_t waits = number_in(WFI_COUNT);
    int user, kernel;
    start(argv + 1, &user, &kernel);
    uint64_t last = 0;
    for (int polls = 0, steady = 0; steady < STEADY_POLLS; polls++) {
        usleep(POLL_US);
        int ending;
        if (waitpid(child, &ending, WNOHANG) != 0) {
            child = 0;
            fail("%s ended, with status %d", argv[1], WIFEXITED(ending) ? WEXITSTATUS(ending) : 128 + WTERMSIG(ending));
        }
        if (polls == LIMIT_POLLS) fail("%s came to no rest with its guest", argv[1]);
        uint64_t now = count(user) + count(kernel);
        steady = now == last && number_in(WFI_COUNT) > waits && all_asleep() ? steady + 1 : 0;
        last = now;
    }
    printf("user %llu kernel %llu resident %llu anonymous %llu file %llu threads %llu\n",
        (unsigned long long)count(user), (unsigned long long)count(kernel), (unsigned long long)status("VmRSS"),
        (unsigned long long)status("RssAnon"), (unsigned long long)(status("RssFile") + status("RssShmem")),
        (unsigned long long)status("Threads"));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
