// Runs the rows of a table and says which of them didn't come out as expected.
#include "layout.h"
#include "registers.h"

struct entry {
    u64 mstatus, pc, a0, a1, a2, machine;
};

extern u64 enter(const struct entry *);
extern const u64 table[];

#define READ(name) ({ u64 value_; asm volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define WRITE(name, value) asm volatile("csrw " #name ", %0" : : "r"((u64)(value)) : "memory")
#define CLEAR(name, value) asm volatile("csrc " #name ", %0" : : "r"((u64)(value)) : "memory")

#define UNTOUCHED 0x5A5A5A5A5A5A5A5AUL // a2 before

enum {
#define X(name, number) R_##name,
    FOR_EACH_REGISTER(X)
#undef X
    REGISTERS
};

// Output

static void put(char c) {
    volatile u8 *uart = (volatile u8 *)0x10000000;
    while (!(uart[5] & 0x20)) { }
    uart[0] = c;
}

static void say(const char *text) {
    while (*text) put(*text++);
}

static void say_hex(const char *name, u64 value) {
    say(name);
    int started = 0;
    for (int shift = 60; shift >= 0; shift -= 4) {
        unsigned digit = value >> shift & 15;
        if (digit || started || shift == 0) {
            put("0123456789abcdef"[digit]);
            started = 1;
        }
    }
}

static void power_off(void) {
    *(volatile u32 *)0x100000 = 0x5555;
    for (;;) { }
}

// What a row left

struct observed {
    u64 outcome, cause, tval, tval2, tinst, epc, status, result;
};

// The previous modes and what belongs to them, from four registers in one word: entry.py has the positions.
static u64 pack_status(u64 m, u64 s, u64 h, u64 v) {
    return (m >> 11 & 3) | (m >> 39 & 1) << 2 | (m >> 38 & 1) << 3 | (m >> 7 & 1) << 4
        | (s >> 8 & 1) << 8 | (s >> 5 & 1) << 9 | (s >> 1 & 1) << 10
        | (h >> 7 & 1) << 12 | (h >> 8 & 1) << 13 | (h >> 6 & 1) << 14
        | (v >> 8 & 1) << 16 | (v >> 5 & 1) << 17 | (v >> 1 & 1) << 18
        | (s >> 13 & 3) << 20 | (v >> 13 & 3) << 22 | (m >> 17 & 1) << 24;
}

// Whether trap registers of levels where no trap went are still as they were.
#define STRAY (1UL << 25)
#define OLD_CAUSE 0x3FUL
#define OLD_VALUE 0x55AA54UL
#define OLD_INSTRUCTION 0x3020UL

// htinst needs to hold no more than a trap writes: what it made of OLD_INSTRUCTION.
static u64 old_htinst;

static int untouched_supervisor(void) {
    return READ(scause) == OLD_CAUSE && READ(stval) == OLD_VALUE && READ(0x643) == OLD_VALUE && READ(0x64A) == old_htinst;
}

static int untouched_guest(void) {
    return READ(0x242) == OLD_CAUSE && READ(0x243) == OLD_VALUE;
}

static u64 defaults[REGISTERS];

// A machine timer interrupt ends a row that goes on for two seconds. On a busy host one may come between rows that
// don't: a row hangs when it does so each time.
#define ATTEMPTS 3
#define MAX_HUNG 3

static void arm_watchdog(void) {
    *(volatile u64 *)0x2004000 = *(volatile u64 *)0x200BFF8 + 20000000;
}

static void set_registers(const struct row *row, const struct setting *settings) {
    u64 values[REGISTERS];
    for (int n = 0; n < REGISTERS; n++) values[n] = defaults[n];
    values[R_stvec] = row->supervisor;
    values[R_vstvec] = row->guest;
    for (int n = 0; n < row->registers; n++) values[settings[n].number] = settings[n].value;
#define X(name, number) WRITE(number, values[R_##name]);
    FOR_EACH_REGISTER(X)
#undef X
    // What a trap writes differs from this, and what it doesn't write stays.
    WRITE(mcause, OLD_CAUSE);
    WRITE(scause, OLD_CAUSE);
    WRITE(0x242, OLD_CAUSE);
    WRITE(mtval, OLD_VALUE);
    WRITE(stval, OLD_VALUE);
    WRITE(0x243, OLD_VALUE);
    WRITE(0x34B, OLD_VALUE);
    WRITE(0x643, OLD_VALUE);
    WRITE(0x34A, OLD_INSTRUCTION);
    WRITE(0x64A, OLD_INSTRUCTION);
    old_htinst = READ(0x64A);
    asm volatile("fence.i\n.option push\n.option arch, +h\nsfence.vma\nhfence.vvma\nhfence.gvma\n.option pop" ::: "memory");
}

static void observe(const struct row *row, struct observed *seen) {
    u64 m = READ(mstatus), cause = READ(mcause), pc = READ(mepc);
    CLEAR(mstatus, 1UL << 17);
    int ended = cause == 3 || (cause >= 8 && cause <= 11);
    u64 from = (m >> 11 & 3) | (m >> 39 & 1) << 2;
    seen->status = pack_status(m, READ(sstatus), READ(0x600), READ(0x200));
    seen->tval2 = seen->tinst = 0;
    int stray = !untouched_supervisor() || !untouched_guest();
    if (ended && pc == row->supervisor && from == 1) {
        seen->outcome = TO_SUPERVISOR;
        seen->cause = READ(scause);
        seen->tval = READ(stval);
        seen->tval2 = READ(0x643);
        seen->tinst = READ(0x64A);
        seen->epc = READ(sepc);
        stray = !untouched_guest();
    } else if (ended && pc == row->guest && from == 5) {
        seen->outcome = TO_GUEST;
        seen->cause = READ(0x242);
        seen->tval = READ(0x243);
        seen->epc = READ(0x241);
        stray = !untouched_supervisor();
    } else if (ended && pc == row->exit) {
        seen->outcome = EXITED;
        seen->cause = seen->tval = 0;
        seen->epc = pc;
    } else {
        seen->outcome = cause >> 63 ? HUNG : TO_MACHINE;
        seen->cause = cause;
        seen->tval = READ(mtval);
        seen->tval2 = READ(0x34B);
        seen->tinst = READ(0x34A);
        seen->epc = pc;
    }
    if (stray) seen->status |= STRAY;
}

static int agrees(const struct row *row, const struct observed *seen) {
    u64 mask = row->statusMask;
    int allowed = row->allowed;
    int none = allowed & ALLOW_TVAL_ZERO && seen->tval == 0;
    // A trap value of zero is no guest virtual address: then GVA is 0 as well.
    u64 status = row->status;
    if (none && row->tval != 0) status &= row->outcome == TO_SUPERVISOR ? ~(1UL << 14) : ~(1UL << 3);
    int cause = seen->cause == row->cause || (allowed & ALLOW_ACCESS_FAULT && seen->cause == row->cause + 1UL);
    return seen->outcome == row->outcome && cause && seen->epc == row->epc
        && (seen->tval == row->tval || none)
        && seen->tval2 == row->tval2
        && (seen->tinst == row->tinst || (allowed & ALLOW_TINST_ZERO && seen->tinst == 0))
        && (seen->status & mask) == (status & mask)
        && (!(allowed & CHECK_RESULT) || seen->result == row->result);
}

static void report(u64 number, const struct observed *seen, int good) {
    say_hex(good ? "row " : "bad ", number);
    say_hex(" ", seen->outcome);
    say_hex(" ", seen->cause);
    say_hex(" ", seen->tval);
    say_hex(" ", seen->tval2);
    say_hex(" ", seen->tinst);
    say_hex(" ", seen->epc);
    say_hex(" ", seen->status);
    say_hex(" ", seen->result);
}

void run_rows(void) {
    const struct table *head = (const struct table *)table;
    const u64 *at = table + sizeof(struct table) / 8;
    for (int n = 0; n < REGISTERS; n++) defaults[n] = *at++;
    // Of Smstateen's registers only the first has more than the bit that guards the others.
    WRITE(0x30D, 1UL << 63);
    WRITE(0x30E, 1UL << 63);
    WRITE(0x30F, 1UL << 63);
    WRITE(0x60D, 1UL << 63);
    WRITE(0x60E, 1UL << 63);
    WRITE(0x60F, 1UL << 63);
    u64 bad = 0, hung = 0, number;
    for (number = 0; number < head->rows && hung < MAX_HUNG; number++) {
        const struct row *row = (const struct row *)at;
        const struct setting *settings = (const struct setting *)(row + 1);
        struct word *words = (struct word *)(settings + row->registers);
        at += row->size;
        if ((number & 63) == 0) arm_watchdog();

        struct observed seen;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            for (int n = 0; n < row->words; n++) *(volatile u64 *)words[n].address = words[n].before;
            set_registers(row, settings);
            struct entry entry = { row->mstatus, row->pc, row->a0, row->a1, UNTOUCHED, row->machine };
            seen.result = enter(&entry);
            observe(row, &seen);
            if (seen.outcome != HUNG) break;
            arm_watchdog();
        }
        hung += seen.outcome == HUNG;
        int good = agrees(row, &seen);
        u64 found[256];
        for (int n = 0; n < row->words; n++) {
            found[n] = *(volatile u64 *)words[n].address;
            good &= ((found[n] ^ words[n].after) & ~words[n].ignored) == 0;
        }
        for (int n = 0; n < row->words; n++) *(volatile u64 *)words[n].address = 0;
        if (!good || head->verbose) {
            report(number, &seen, good);
            for (int n = 0; n < row->words; n++) {
                if (found[n] == words[n].after) continue;
                say_hex(" ", words[n].address);
                say_hex("=", found[n]);
            }
            say("\n");
        }
        bad += !good;
    }
    say_hex("rows ", number);
    say_hex(" bad ", bad);
    say("\n");
    power_off();
}
