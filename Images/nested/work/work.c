/* usage: work SECONDS MIB
 *
 * What a guest under stress does. It keeps every processor busy with what can go wrong below it - pages that are
 * paged out, write-protected or moved, translations that another processor has to drop, timers - and checks all that
 * it reads. It ends with status 0 and a line that counts what was done, or says what was wrong. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / sizeof(uint64_t) };

static struct shared {
    _Atomic uint64_t pages, remaps, children, sleeps;
    _Atomic int ended;
} *shared;
static uint64_t mib;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void wrong(const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("work: WRONG: %s\n", text);
    fflush(stdout);
    _exit(1);
}

static void *map(uint64_t size, int flags)
{
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        wrong("no %llu bytes of memory", (unsigned long long)size);
    return area;
}

static uint64_t mix(uint64_t value)
{
    value ^= value >> 31;
    value *= 0x9e3779b97f4a7c15;
    return value ^ value >> 29;
}

/* Pages filled with what follows from their number and generation, checked before they are filled anew. */
static void fill_and_check(int number)
{
    uint64_t pages = mib * 256 / 2, random = number + 1;
    uint64_t *area = map(pages * PAGE, MAP_PRIVATE);
    uint32_t *generations = map(pages * sizeof *generations, MAP_PRIVATE);
    while (!shared->ended) {
        for (int i = 0; i < 256; i++) {
            random = mix(random + 0x1234567);
            uint64_t page = random % pages, *words = area + page * WORDS;
            uint64_t seed = generations[page] ? mix(page << 32 | generations[page]) : 0, step = generations[page] ? 1 : 0;
            for (int word = 0; word < WORDS; word++)
                if (words[word] != seed + step * word)
                    wrong("process %d: word %d of page %llu in generation %u is 0x%llx instead of 0x%llx", number, word,
                          (unsigned long long)page, generations[page], (unsigned long long)words[word],
                          (unsigned long long)(seed + step * word));
            seed = mix(page << 32 | ++generations[page]);
            for (int word = 0; word < WORDS; word++)
                words[word] = seed + word;
        }
        shared->pages += 256;
    }
}

/* Two pages of a file take turns at one address. Who has heard of the turn has to see that page or a later one:
 * a translation that outlived the change shows the page before it. */
static struct {
    volatile uint64_t *window, *pages;
    _Atomic uint64_t turn;
} turns;

static void *look(void *unused)
{
    while (!shared->ended) {
        uint64_t heard = turns.turn, seen = *turns.window;
        if (seen < heard)
            wrong("turn %llu was seen after turn %llu", (unsigned long long)seen, (unsigned long long)heard);
    }
    return unused;
}

static void take_turns(int unused)
{
    (void)unused;
    pthread_t thread;
    int file = memfd_create("turns", 0);
    if (file < 0 || ftruncate(file, 2 * PAGE))
        wrong("no file in memory");
    turns.pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    turns.window = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    if (turns.pages == MAP_FAILED || turns.window == MAP_FAILED || pthread_create(&thread, NULL, look, NULL))
        wrong("no memory or thread for taking turns");
    for (uint64_t turn = 1; !shared->ended; turn++) {
        turns.pages[turn % 2 * WORDS] = turn;
        if (mmap((void *)turns.window, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, turn % 2 * PAGE) == MAP_FAILED)
            wrong("mmap");
        turns.turn = turn;
        if (turn % 16 == 0)
            shared->remaps += 16;
    }
    pthread_join(thread, NULL);
}

/* Processes that copy a page when they write to it, each on whatever processor is free, and answer through a pipe. */
static void have_children(int unused)
{
    (void)unused;
    const uint64_t words = 64 * WORDS;
    uint64_t *area = map(words * 8, MAP_PRIVATE), sum = 0;
    for (uint64_t i = 0; i < words; i++)
        sum += area[i] = mix(i);
    for (uint64_t key = 1; !shared->ended; key++) {
        int ends[2], status;
        uint64_t answer = 0, own = 0;
        if (pipe(ends))
            wrong("no pipe");
        pid_t child = fork();
        if (child < 0)
            wrong("no process");
        if (child == 0) {
            for (uint64_t i = 0; i < words; i++)
                area[i] += key;
            for (uint64_t i = 0; i < words; i++)
                answer += area[i];
            _exit(write(ends[1], &answer, sizeof answer) != sizeof answer);
        }
        close(ends[1]);
        if (read(ends[0], &answer, sizeof answer) != sizeof answer || waitpid(child, &status, 0) != child || status)
            wrong("child %llu gave no answer", (unsigned long long)key);
        close(ends[0]);
        for (uint64_t i = 0; i < words; i++)
            own += area[i];
        if (own != sum || answer != sum + words * key)
            wrong("child %llu: sums 0x%llx and 0x%llx instead of 0x%llx and 0x%llx", (unsigned long long)key,
                  (unsigned long long)own, (unsigned long long)answer, (unsigned long long)sum,
                  (unsigned long long)(sum + words * key));
        shared->children++;
    }
}

/* No sleep ends early, and time doesn't run backwards when a processor is changed. */
static void sleep_a_little(int unused)
{
    (void)unused;
    for (uint64_t i = 0; !shared->ended; i++) {
        uint64_t before = now(), wanted = 100000 + mix(i) % 5000000;
        nanosleep(&(struct timespec){.tv_nsec = wanted}, NULL);
        uint64_t taken = now() - before;
        if (taken < wanted || taken >> 63)
            wrong("a sleep of %llu ns took %lld", (unsigned long long)wanted, (long long)taken);
        shared->sleeps++;
    }
}

int main(int count, char **words)
{
    static void (*const parts[])(int) = {fill_and_check, fill_and_check, take_turns, have_children, sleep_a_little};
    enum { PARTS = sizeof parts / sizeof *parts };
    if (count != 3) {
        fprintf(stderr, "usage: work SECONDS MIB\n");
        return 64;
    }
    mib = strtoull(words[2], NULL, 10);
    shared = map(PAGE, MAP_SHARED);
    for (int i = 0; i < PARTS; i++) {
        pid_t child = fork();
        if (child < 0)
            wrong("no process");
        if (child == 0) {
            parts[i](i);
            _exit(0);
        }
    }
    uint64_t end = now() + strtoull(words[1], NULL, 10) * 1000000000ull;
    int failures = 0, running = PARTS;
    while (running) {
        int status;
        if (now() >= end)
            shared->ended = 1;
        if (waitpid(-1, &status, WNOHANG) > 0) {
            running--;
            failures += status != 0;
            shared->ended = 1;
        }
        usleep(20000);
    }
    if (failures)
        return 1;
    printf("work: ok: %llu pages, %llu turns, %llu children, %llu sleeps\n", (unsigned long long)shared->pages,
           (unsigned long long)shared->remaps, (unsigned long long)shared->children,
           (unsigned long long)shared->sleeps);
    return !shared->pages || !shared->remaps || !shared->children || !shared->sleeps;
}
