// What runs the sequences of one test program, on either side: no library, M-mode, integers only.
// generate.py writes the tables that this reads; the layouts below are its Program.blob().

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct context {
    u64 x[32], f[32], fcsr, mstatus;
};

struct sequence {
    u64 code, end, satp, mstatus, medeleg, scratch, menvcfg, senvcfg, mcounteren, scounteren, iterations, image;
    u64 base[3], mask, pmpcfg, pmpaddr[3], interrupts, stateen;
};

struct image {
    u64 x[32], f[32], fcsr, offset[3];
};

struct header {
    u64 magic, count, verbose, sequences, images, image_count, memory, memory_size, first_iteration;
};

#define HEADER ((struct header *)0x80040000UL)
#define SCRATCH ((u64 *)0x80800000UL)
#define UART ((volatile u8 *)0x10000000UL)
#define FINISHER ((volatile u32 *)0x100000UL)
// The S-mode handler's view of RAM, where it may read what it may only execute elsewhere.
#define ALIAS 0x40000000UL

#define csr_read(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_)); v_; })
#define csr_write(name, v) __asm__ volatile("csrw " #name ", %0" ::"r"((u64)(v)) : "memory")
#define csr_clear(name, v) __asm__ volatile("csrc " #name ", %0" ::"r"((u64)(v)) : "memory")

void enter(struct context *);
void supervisor_entry(void);
void supervisor_end(void);
extern struct context machine_context, supervisor_context;
extern u64 instret_at_entry;

static const struct sequence *current;
static u64 trap_hash, traps, instructions, in_handlers;
static u64 verbose, view;

// Fields of mstatus that both sides must agree on. FS may be more dirty than need be (privileged
// specification 3.1.6.6), so only whether it is Off counts; VS, XS, SD and the read-only ones don't.
#define STATUS 0x7E19AAUL

static u64 comparable_status(u64 status) { return (status & STATUS) | (status & 0x6000 ? 0x6000 : 0); }

static void put(char c) {
    while (!(UART[5] & 0x20)) {}
    UART[0] = c;
}
static void text(const char *s) {
    while (*s) put(*s++);
}
static void hex(u64 v) {
    for (int i = 60; i >= 0; i -= 4) put("0123456789abcdef"[v >> i & 15]);
}
static void value(const char *name, u64 v) {
    put(' ');
    text(name);
    put('=');
    hex(v);
}
static void number(char kind, int n, u64 v) {
    put(' ');
    put(kind);
    put('0' + n / 10);
    put('0' + n % 10);
    put('=');
    hex(v);
}

static inline u64 mix(u64 h, u64 v) {
    h = (h ^ v) * 0x9E3779B97F4A7C15UL;
    return h ^ h >> 29;
}

// Code lies behind ALIAS too, which is where S-mode may read it. Bare M-mode reads it where it is.
static u64 is_return(u64 epc) {
    if (epc < 0x80400000UL || epc >= 0x80800000UL) return 0;
    const u16 *at = (const u16 *)(epc + view);
    u32 word = at[0] | (u32)at[1] << 16;
    return word == 0x30200073 || word == 0x10200073;
}

// What both sides agree on of tval is returned.
static u64 note(char level, u64 cause, u64 epc, u64 tval, u64 status) {
    traps++;
    status = comparable_status(status);
    // "mtval is written with either zero or the virtual address" of the ebreak (privileged specification 3.1.16).
    if (cause == 3) tval = 0;
    // Here QEMU 10 leaves what an earlier illegal instruction was, not mret or sret. Either the faulting
    // instruction or zero is permitted (the same place).
    if (cause == 2 && (tval == 0x30200073 || tval == 0x10200073 || is_return(epc))) tval = 0;
    trap_hash = mix(mix(mix(mix(mix(trap_hash, level), cause), epc), tval), status);
    if (verbose) {
        text("  trap to ");
        put(level);
        value("cause", cause);
        value("epc", epc);
        value("tval", tval);
        value("status", status);
        put('\n');
    }
    return tval;
}

// Where to go on: behind the instruction, or, when it couldn't even be fetched, where x1 says, by which
// every jump to such a place links.
static u64 next(struct context *c, u64 cause, u64 epc, u64 alias) {
    if (cause >> 63) return epc;
    if (cause == 0 || cause == 1 || cause == 12) return c->x[1];
    return epc + ((*(u16 *)(epc + alias) & 3) == 3 ? 4 : 2);
}

int machine_trap(struct context *c) {
    u64 start = csr_read(minstret);
    u64 cause = csr_read(mcause), epc = csr_read(mepc), tval = csr_read(mtval);
    if (cause == 9 && epc == (u64)supervisor_end) {
        for (int i = 0; i < 32; i++) c->x[i] = supervisor_context.x[i];
    } else if (cause >= 8 && cause <= 11 && epc == current->end) {
    } else {
        view = 0;
        csr_write(mtval, note('M', cause, epc, tval, csr_read(mstatus)));
        if (cause >> 63) csr_clear(mip, 2);
        if (traps < 4000) {
            csr_write(mepc, next(c, cause, epc, 0));
            in_handlers += csr_read(minstret) - start;
            return 0;
        }
        if (verbose) text("  too many traps\n");
    }
    instructions += start - instret_at_entry - in_handlers;
    return 1;
}

int supervisor_trap(struct context *c) {
    u64 cause = csr_read(scause), epc = csr_read(sepc), tval = csr_read(stval);
    if (cause == 8 && epc == current->end) return 1;
    view = ALIAS;
    csr_write(stval, note('S', cause, epc, tval, csr_read(sstatus)));
    if (cause >> 63) csr_clear(sip, 2);
    if (traps >= 4000) return 1;
    csr_write(sepc, next(c, cause, epc, ALIAS));
    return 0;
}

static u64 run_once(const struct sequence *s, const struct image *image, u64 h) {
    struct context *c = &machine_context;
    for (int i = 0; i < 32; i++) c->x[i] = image->x[i];
    for (int i = 0; i < 32; i++) c->f[i] = image->f[i];
    for (int i = 0; i < 3; i++) c->x[s->base[i]] = s->scratch + (image->offset[i] & s->mask);
    c->fcsr = image->fcsr;
    c->mstatus = s->mstatus;
    trap_hash = traps = in_handlers = 0;
    csr_write(mepc, s->code);
    csr_write(sscratch, &supervisor_context);
    csr_write(scause, 0);
    csr_write(stval, 0);
    csr_write(sepc, 0);
    enter(c);
    u64 status = comparable_status(csr_read(mstatus));
    csr_write(mstatus, 0xa00000000);
    csr_clear(mip, 2);
    for (int i = 1; i < 32; i++) h = mix(h, c->x[i]);
    for (int i = 0; i < 32; i++) h = mix(h, c->f[i]);
    h = mix(mix(mix(h, c->fcsr), status), trap_hash);
    u64 cause = csr_read(scause), epc = csr_read(sepc), tval = csr_read(stval);
    h = mix(mix(mix(h, cause), epc), tval);
    if (verbose) {
        text(" ");
        for (int i = 1; i < 32; i++) number('x', i, c->x[i]);
        for (int i = 0; i < 32; i++) number('f', i, c->f[i]);
        value("fcsr", c->fcsr);
        value("mstatus", status);
        value("scause", cause);
        value("sepc", epc);
        value("stval", tval);
        value("traps", trap_hash);
        put('\n');
    }
    return h;
}

static void run(u64 index, const struct sequence *s) {
    const struct header *header = HEADER;
    const struct image *images = (const struct image *)header->images;
    const u64 *memory = (const u64 *)header->memory;
    u64 size = header->memory_size / 8, h = 0;
    current = s;
    for (u64 i = 0; i < size; i += 8) {
        u64 *to = SCRATCH + i;
        const u64 *from = memory + i;
        to[0] = from[0], to[1] = from[1], to[2] = from[2], to[3] = from[3];
        to[4] = from[4], to[5] = from[5], to[6] = from[6], to[7] = from[7];
    }
    csr_write(satp, s->satp);
    __asm__ volatile("sfence.vma\n\tfence.i" ::: "memory");
    csr_write(medeleg, s->medeleg);
    csr_write(mideleg, s->interrupts >> 16 & 0xffff);
    csr_write(mie, s->interrupts & 0xffff);
    csr_write(stvec, supervisor_entry);
    csr_write(menvcfg, s->menvcfg);
    csr_write(senvcfg, s->senvcfg);
    csr_write(mcounteren, s->mcounteren);
    csr_write(scounteren, s->scounteren);
    csr_write(0x30c, s->stateen);
    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr0, s->pmpaddr[0]);
    csr_write(pmpaddr1, s->pmpaddr[1]);
    csr_write(pmpaddr2, s->pmpaddr[2]);
    csr_write(pmpaddr3, ~0UL);
    csr_write(pmpcfg0, s->pmpcfg);
    for (u64 i = 0; i < s->iterations; i++) {
        if (verbose) {
            text("  run");
            value("image", (s->image + i) % header->image_count);
            put('\n');
        }
        h = run_once(s, images + (s->image + i) % header->image_count, h);
    }
    csr_write(satp, 0);
    u64 m = 0;
    for (u64 i = 0; i < size; i++) {
        if (verbose && SCRATCH[i] != memory[i]) {
            text("  memory");
            value("at", (u64)(SCRATCH + i));
            value("is", SCRATCH[i]);
            put('\n');
        }
        m = mix(m, SCRATCH[i]);
    }
    text("sequence");
    value("index", index);
    value("registers", h);
    value("memory", m);
    put('\n');
}

void run_all(void) {
    const struct header *header = HEADER;
    const struct sequence *s = (const struct sequence *)header->sequences;
    verbose = header->verbose;
    csr_write(mideleg, 0);
    // No timer: at reset mtimecmp may hold anything, and MTIP then.
    *(volatile u64 *)0x2004000UL = ~0UL;
    for (u64 i = 0; i < header->count; i++) run(i, s + i);
    text("instructions");
    value("n", instructions);
    text("\nend\n");
    *FINISHER = 0x5555;
    for (;;) {}
}
