# M-mode's registers and the CLINT: ends with HTIF's code 0, or with the number of the check that failed.
# To be run with --isa +zkr.
    .globl _start
    .section .text.start, "ax"

    .macro expect number, register, value
    li      s1, \number
    li      t6, \value
    bne     \register, t6, fail
    .endm

    # try NUMBER, CAUSE, INSTRUCTION: mcause shall be CAUSE afterwards, or -1.
    .macro try number, cause, instruction:vararg
    li      s0, -1
    la      s2, 9f
    \instruction
9:
    expect  \number, s0, \cause
    .endm

    # As above, executed in S-mode and back through ecall (cause 9).
    .macro supervisor number, cause, instruction:vararg
    li      t0, 3 << 11
    csrc    mstatus, t0
    li      t0, 1 << 11
    csrs    mstatus, t0
    la      t0, 7f
    csrw    mepc, t0
    la      s2, 9f
    mret
    .balign 4
7:  \instruction
    ecall
9:
    expect  \number, s0, \cause
    .endm

    .equ    ILLEGAL, 2
    .equ    ECALL, 9
    .equ    CLINT, 0x2000000
    .equ    INTERRUPT, 1 << 63

_start:
    csrr    t0, mhartid
    bnez    t0, wait
    la      t0, vectors
    addi    t0, t0, 1
    csrw    mtvec, t0
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0

    # Zkr: only accesses that write, and S-mode only by leave.
    try     1, ILLEGAL, csrr t1, seed
    try     2, ILLEGAL, csrrsi t1, seed, 0
    try     3, -1, csrrw t1, seed, x0
    srli    t1, t1, 30
    expect  4, t1, 2
    supervisor 5, ILLEGAL, csrrw t1, seed, x0
    li      t0, 1 << 9
    csrw    mseccfg, t0
    supervisor 6, ECALL, csrrw t1, seed, x0

    # Smstateen: senvcfg and sstateen0 are M-mode's to give.
    supervisor 7, ILLEGAL, csrr t1, senvcfg
    supervisor 8, ILLEGAL, csrr t1, sstateen0
    li      t0, 1 << 62
    csrw    mstateen0, t0
    supervisor 9, ECALL, csrr t1, senvcfg
    supervisor 10, ILLEGAL, csrr t1, sstateen0
    li      t0, -1
    csrw    mstateen0, t0
    csrr    t1, mstateen0
    expect  11, t1, 3 << 62
    supervisor 12, ECALL, csrr t1, sstateen0

    # mip.SEIP by software; csrrs and csrrc see and change it.
    li      t0, 1 << 9
    csrs    mip, t0
    csrr    t1, mip
    and     t1, t1, t0
    expect  13, t1, 1 << 9
    csrc    mip, t0
    csrr    t1, mip
    and     t1, t1, t0
    expect  14, t1, 0

    # Counters: three exceptions are three; the next makes it overflow, once.
    csrw    mhpmcounter3, x0
    li      t0, 1
    csrw    mhpmevent3, t0
    try     15, ILLEGAL, csrr t1, seed
    try     16, ILLEGAL, csrr t1, seed
    try     17, 3, ebreak
    csrr    t1, mhpmcounter3
    expect  18, t1, 3
    li      t0, -1
    csrw    mhpmcounter3, t0
    try     19, 3, ebreak
    csrr    t1, mhpmcounter3
    expect  20, t1, 0
    csrr    t1, scountovf
    expect  21, t1, 8
    csrr    t1, mip
    expect  22, t1, 1 << 13
    csrr    t1, mhpmevent3
    srli    t1, t1, 63
    expect  23, t1, 1
    csrw    mip, x0
    # Stopped counters don't count; nor do modes that are left out.
    csrwi   mcountinhibit, 8
    try     24, 3, ebreak
    csrwi   mcountinhibit, 0
    li      t0, 1 << 62 | 1
    csrw    mhpmevent3, t0
    try     25, 3, ebreak
    csrr    t1, mhpmcounter3
    expect  26, t1, 0
    csrw    mhpmevent3, x0

    # mcycle goes on from what was written, and stands while it is inhibited.
    csrwi   mcountinhibit, 5
    li      t0, 1000
    csrw    mcycle, t0
    nop
    csrr    t1, mcycle
    expect  27, t1, 1000
    csrwi   mcountinhibit, 0

    # CLINT: software interrupt, vectored to 4 * 3. The returns above have left MIE on.
    csrci   mstatus, 8
    li      t2, CLINT
    li      t0, 1
    sw      t0, 0(t2)
    csrr    t1, mip
    andi    t1, t1, 8
    expect  28, t1, 8
    csrwi   mie, 8
    li      s0, -1
    li      s3, 0
    la      s2, 9f
    csrsi   mstatus, 8
9:  csrci   mstatus, 8
    expect  29, s3, 3
    sw      x0, 0(t2)
    csrr    t1, mip
    expect  30, t1, 0

    # The timer: mtimecmp a millisecond ahead, waited for asleep.
    li      t3, CLINT + 0xbff8
    li      t4, CLINT + 0x4000
    ld      t0, 0(t3)
    li      t1, 10000
    add     t0, t0, t1
    sd      t0, 0(t4)
    csrr    t1, mip
    expect  31, t1, 0
    li      t1, 1 << 7
    csrw    mie, t1
    wfi
    ld      t1, 0(t3)
    li      s1, 32
    bltu    t1, t0, fail
    csrr    t1, mip
    expect  33, t1, 1 << 7
    # mtime and time are one, and mtime can be set: back, and the timer is in the future again.
    csrr    t0, time
    ld      t1, 0(t3)
    li      s1, 34
    bltu    t1, t0, fail
    li      t0, 5000000
    li      t1, 1 << 40
    sd      t1, 0(t4)
    sd      t0, 0(t3)
    csrr    t1, time
    li      s1, 35
    bltu    t1, t0, fail
    sub     t1, t1, t0
    li      t0, 5000000
    bgtu    t1, t0, fail
    csrr    t1, mip
    expect  36, t1, 0
    # And forward: it is due at once.
    li      t1, 1 << 41
    sd      t1, 0(t3)
    csrr    t1, mip
    expect  37, t1, 1 << 7
    li      t1, -1
    sd      t1, 0(t4)

    # Sstc: stimecmp drives STIP only once menvcfg.STCE is set.
    csrw    stimecmp, x0
    csrr    t1, mip
    expect  38, t1, 0
    li      t0, 1 << 5
    csrs    mip, t0
    csrr    t1, mip
    expect  39, t1, 1 << 5
    li      t1, 1 << 63
    csrs    menvcfg, t1
    csrc    mip, t0
    csrr    t1, mip
    expect  40, t1, 1 << 5
    li      t1, -1
    csrw    stimecmp, t1
    csrr    t1, mip
    expect  41, t1, 0

    li      s1, 0
fail:
    slli    s1, s1, 1
    addi    s1, s1, 1
    la      t0, tohost
    sd      s1, 0(t0)
wait:
    wfi
    j       wait

    .balign 256
    .option push
    .option norvc
vectors:
    j       exception
    j       other
    j       other
    li      s3, 3
    .option pop

    .balign 4
    # The software interrupt alone ends up here: back, with interrupts off.
    csrr    s0, mcause
    li      t6, 1 << 7
    csrc    mstatus, t6
    csrw    mepc, s2
    mret
other:
    li      s1, 60
    j       fail
exception:
    csrr    s0, mcause
    li      t6, 3 << 11
    csrs    mstatus, t6
    csrw    mepc, s2
    mret

    .section .tohost, "aw", @progbits
    .globl tohost, fromhost
    .balign 64
tohost:
    .dword  0
fromhost:
    .dword  0
