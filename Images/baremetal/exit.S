# Ends at once: with status CODE through HTIF, or through the test finisher when FINISHER is defined.
    .globl _start
    .section .text.start, "ax"
_start:
    csrr    a0, mhartid
    bnez    a0, wait
#ifdef FINISHER
    li      t0, 0x100000
    .if     CODE
    li      t1, CODE << 16 | 0x3333
    .else
    li      t1, 0x5555
    .endif
    sw      t1, 0(t0)
#else
    la      s0, message
1:  lbu     a0, 0(s0)
    beqz    a0, 2f
    li      t1, 0x0101 << 48
    or      t1, t1, a0
    la      t0, tohost
    sd      t1, 0(t0)
    addi    s0, s0, 1
    j       1b
2:  la      t0, tohost
    li      t1, CODE << 1 | 1
    sd      t1, 0(t0)
#endif
wait:
    wfi
    j       wait

    .section .rodata
message:
    .asciz  "bare metal\n"

    .section .tohost, "aw", @progbits
    .globl tohost, fromhost
    .balign 64
tohost:
    .dword  0
    .balign 64
fromhost:
    .dword  0

    .data
    .globl begin_signature, end_signature
    .balign 16
begin_signature:
    .word   1, 2, 3, 0xcafe
    .word   5
end_signature:
