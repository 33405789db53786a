# Physical memory protection: ends with HTIF's code 0, or with the number of the check that failed.
#
# One page has regions of every kind; S-mode is tried by MPRV, and U-mode by going there.
    .globl _start
    .section .text.start, "ax"

# check NUMBER: a0 is the cause that the last try left (-1 for none), \cause what it should be.
    .macro check number, cause
    li      s1, \number
    li      t0, \cause
    bne     a0, t0, fail
    .endm

    .macro try instruction:vararg
    li      a0, -1
    la      s2, 9f
    \instruction
9:
    .endm

    .equ    LOAD_FAULT, 5
    .equ    STORE_FAULT, 7
    .equ    FETCH_FAULT, 1
    .equ    MPRV, 1 << 17
    .equ    MPP_S, 1 << 11
    .equ    MPP, 3 << 11

_start:
    csrr    t0, mhartid
    bnez    t0, wait
    la      t0, trap
    csrw    mtvec, t0
    la      s0, page

    # Nothing is set up: M-mode may, S-mode may not.
    try     lw t1, 0(s0)
    check   1, -1
    li      t0, MPP
    csrc    mstatus, t0
    li      t0, MPRV | MPP_S
    csrs    mstatus, t0
    try     lw t1, 0(s0)
    check   2, LOAD_FAULT

    # Entry 0: four bytes at page + 8, read-only. 1 and 2: page + 16 to + 32, TOR, no read. 3: everything.
    srli    t0, s0, 2
    addi    t1, t0, 2
    csrw    pmpaddr0, t1
    addi    t1, t0, 4
    csrw    pmpaddr1, t1
    addi    t1, t0, 8
    csrw    pmpaddr2, t1
    li      t1, -1
    csrw    pmpaddr3, t1
    li      t1, 0x1f0c0011          # NAPOT RWX, TOR X, off, NA4 R
    csrw    pmpcfg0, t1
    try     lw t1, 0(s0)
    check   3, -1
    try     lw t1, 8(s0)
    check   4, -1
    try     sw t1, 8(s0)
    check   5, STORE_FAULT
    # An access has to lie in the entry as a whole.
    try     ld t1, 8(s0)
    check   6, LOAD_FAULT
    try     lw t1, 16(s0)
    check   7, LOAD_FAULT
    try     lb t1, 31(s0)
    check   8, LOAD_FAULT
    try     lb t1, 32(s0)
    check   9, -1
    try     sd t1, 0(s0)
    check   10, -1
    # Atomics in a page that has several kinds.
    addi    t2, s0, 8
    try     amoadd.w t1, t1, (t2)
    check   11, STORE_FAULT
    try     lr.w t1, (t2)
    check   12, -1
    addi    t2, s0, 64
    sw      x0, 0(t2)
    li      t1, 5
    try     amoadd.w t3, t1, (t2)
    check   13, -1
    li      t1, -7
    try     amomaxu.w t3, t1, (t2)
    check   14, -1
    lw      t3, 0(t2)
    li      s1, 15
    bne     t3, t1, fail
1:  lr.d    t3, (t2)
    sc.d    t4, t1, (t2)
    li      s1, 16
    bnez    t4, fail
    ld      t3, 0(t2)
    bne     t3, t1, fail

    # M-mode itself isn't bound, though the entry still has to match whole accesses.
    li      t0, MPRV
    csrc    mstatus, t0
    try     sw t1, 8(s0)
    check   17, -1
    try     ld t1, 8(s0)
    check   18, LOAD_FAULT

    # W without R is reserved.
    li      t1, 0x1f0c0012
    csrw    pmpcfg0, t1
    csrr    t1, pmpcfg0
    li      t2, 0x1f0c0010
    li      s1, 19
    bne     t1, t2, fail

    # U-mode executes in a page of which only three instructions may be.
    la      t0, user
    srli    t1, t0, 2
    csrw    pmpaddr4, t1
    addi    t1, t1, 3
    csrw    pmpaddr5, t1
    li      t1, -1
    csrw    pmpaddr6, t1
    # 6: everything but X, 5: TOR X, 3: off.
    li      t1, 0x1b0c0000000000
    csrw    pmpcfg0, t1
    csrw    mepc, t0
    li      t0, MPP
    csrc    mstatus, t0
    li      a0, -1
    li      a1, 0
    la      s2, 1f
    mret
1:  check   20, 8
    # Behind them it is over, and mepc says where.
    la      t0, user
    csrw    mepc, t0
    li      t0, MPP
    csrc    mstatus, t0
    li      a0, -1
    la      s2, 1f
    li      a1, 1
    mret
1:  check   21, FETCH_FAULT
    la      t0, user
    addi    t0, t0, 12
    li      s1, 22
    bne     a2, t0, fail
    bne     a3, t0, fail

    # A locked entry binds M-mode, and stays.
    srli    t0, s0, 2
    addi    t1, t0, 2
    csrw    pmpaddr0, t1
    li      t1, 0x91                # L NA4 R
    csrw    pmpcfg0, t1
    try     sw t1, 8(s0)
    check   23, STORE_FAULT
    csrw    pmpcfg0, x0
    csrr    t1, pmpcfg0
    li      t2, 0x91
    li      s1, 24
    bne     t1, t2, fail
    csrw    pmpaddr0, x0
    csrr    t1, pmpaddr0
    srli    t0, s0, 2
    addi    t0, t0, 2
    li      s1, 25
    bne     t1, t0, fail

    li      s1, 0
fail:
    slli    s1, s1, 1
    addi    s1, s1, 1
    la      t0, tohost
    sd      s1, 0(t0)
wait:
    wfi
    j       wait

    .balign 4
trap:
    csrr    a0, mcause
    csrr    a2, mepc
    csrr    a3, mtval
    csrw    mepc, s2
    # MPP is what MPRV looks at, and mret would clear both: return by hand.
    li      t0, MPP
    csrc    mstatus, t0
    li      t0, MPP_S
    csrs    mstatus, t0
    jr      s2

    .balign 4096
    .option push
    .option norvc
user:
    bnez    a1, 1f
    ecall
1:  nop
    nop
    .option pop

    .section .tohost, "aw", @progbits
    .globl tohost, fromhost
    .balign 64
tohost:
    .dword  0
fromhost:
    .dword  0

    .data
    .balign 4096
page:
    .fill   512, 8, 0
