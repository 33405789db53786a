// The table's form, as Scripts/lib/hmatrix/layout.py writes it. All numbers little-endian.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

// How a row ends, and where its trap went.
enum { EXITED, TO_MACHINE, TO_SUPERVISOR, TO_GUEST, HUNG };

// Where a row's expectation leaves a choice.
enum {
    ALLOW_TVAL_ZERO = 1,
    ALLOW_TINST_ZERO = 2,
    ALLOW_ACCESS_FAULT = 4, // instead of the misaligned address's exception, whose cause is one less
    CHECK_RESULT = 8,
};

// Followed by the registers' defaults and the rows.
struct table {
    u64 rows;
    u64 verbose; // print what every row left, not only those that aren't as expected
};

// Followed by its settings and words.
struct row {
    u16 size; // of all of it, in units of 8 bytes
    u8 machine; // executed in M-mode
    u8 outcome;
    u8 allowed;
    u8 cause;
    u8 registers;
    u8 words;
    u64 mstatus;
    u64 pc;
    u64 exit; // virtual address of the instruction whose trap says that nothing else trapped
    u64 a0, a1;
    u64 supervisor, guest; // virtual addresses of the handlers
    u64 tval, tval2, tinst, epc;
    u64 status, statusMask;
    u64 result;
};

struct setting { // a register that isn't as in `defaults`
    u64 number;
    u64 value;
};

struct word { // memory before and after; zero between rows
    u64 address;
    u64 before;
    u64 after;
    u64 ignored; // bits that may be either
};
