# Start, the way into a row's mode and the way back: through the one trap that ends it in M-mode.
    .section .text.start, "ax"
    .globl _start
_start:
    csrr    t0, mhartid
    bnez    t0, 1f
    la      sp, stack_top
    la      t0, trapped
    csrw    mtvec, t0
    call    run_rows
1:  wfi
    j       1b

# enter(struct entry *): leaves for entry.pc with a0, a1 and a2 set; returns what a2 holds when M-mode is trapped into.
    .globl  enter
    .balign 4
enter:
    addi    sp, sp, -112
    .set    at, 0
    .irp    register, ra, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    sd      \register, at(sp)
    .set    at, at + 8
    .endr
    la      t0, saved_sp
    sd      sp, 0(t0)
    ld      t0, 0(a0)
    ld      t1, 8(a0)
    ld      t2, 16(a0)
    ld      a1, 24(a0)
    ld      a2, 32(a0)
    ld      t3, 40(a0)
    mv      a0, t2
    beqz    t3, 1f
    # M-mode with MPRV set must not touch memory from here on, and mret would change what MPRV looks at.
    csrw    mstatus, t0
    jr      t1
1:  csrw    mepc, t1
    csrw    mstatus, t0
    mret

    .balign 4
trapped:
    # From M-mode too, MPP is 3 now: MPRV has no effect.
    la      t0, saved_sp
    ld      sp, 0(t0)
    .set    at, 0
    .irp    register, ra, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    ld      \register, at(sp)
    .set    at, at + 8
    .endr
    addi    sp, sp, 112
    mv      a0, a2
    ret

    .bss
    .balign 16
    .space  16384
stack_top:
saved_sp:
    .space  8
