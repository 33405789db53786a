# Start, and the way into a sequence and out of it. The rest is runtime.c.
# A context is: 32 x registers, 32 f registers, fcsr, and where to start.

    .section .text.start, "ax"
    .globl _start
_start:
    # QEMU gets a second hart, for which it makes atomics that are ones (with one it makes loads and
    # stores of them, and a misaligned amoadd.d a misaligned load). It sleeps.
    csrr t0, mhartid
    beqz t0, 2f
    csrw mie, zero
1:  wfi
    j 1b
2:  la sp, stack_top
    la t0, machine_entry
    csrw mtvec, t0
    la t0, machine_context
    csrw mscratch, t0
    call run_all
1:  j 1b

# enter(context): runs a sequence until it ends; mstatus and mepc are set.
    .globl enter
enter:
    addi sp, sp, -112
    sd ra, 0(sp)
    sd s0, 8(sp)
    sd s1, 16(sp)
    sd s2, 24(sp)
    sd s3, 32(sp)
    sd s4, 40(sp)
    sd s5, 48(sp)
    sd s6, 56(sp)
    sd s7, 64(sp)
    sd s8, 72(sp)
    sd s9, 80(sp)
    sd s10, 88(sp)
    sd s11, 96(sp)
    la t0, saved_sp
    sd sp, 0(t0)
    li t0, 0x6000
    csrs mstatus, t0
    ld t0, 512(a0)
    csrw fcsr, t0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, (256+8*\n)(a0)
    .endr
    ld t0, 520(a0)
    csrw mstatus, t0
    csrr t0, minstret
    la t1, instret_at_entry
    sd t0, 0(t1)
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, (8*\n)(a0)
    .endr
    ld a0, 80(a0)
    mret

    .balign 4
machine_entry:
    csrrw sp, mscratch, sp
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, (8*\n)(sp)
    .endr
    csrr t0, mscratch
    sd t0, 16(sp)
    csrw mscratch, sp
    mv a0, sp
    la sp, trap_stack_top
    call machine_trap
    bnez a0, finish
    csrr sp, mscratch
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, (8*\n)(sp)
    .endr
    ld sp, 16(sp)
    mret

finish:
    li t0, 0x6000
    csrs mstatus, t0
    la a0, machine_context
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, (256+8*\n)(a0)
    .endr
    csrr t0, fcsr
    sd t0, 512(a0)
    la t0, saved_sp
    ld sp, 0(t0)
    ld ra, 0(sp)
    ld s0, 8(sp)
    ld s1, 16(sp)
    ld s2, 24(sp)
    ld s3, 32(sp)
    ld s4, 40(sp)
    ld s5, 48(sp)
    ld s6, 56(sp)
    ld s7, 64(sp)
    ld s8, 72(sp)
    ld s9, 80(sp)
    ld s10, 88(sp)
    ld s11, 96(sp)
    addi sp, sp, 112
    ret

# Traps delegated to S-mode. sscratch belongs to the handler while they are.
    .globl supervisor_entry, supervisor_end
    .balign 4
supervisor_entry:
    csrrw sp, sscratch, sp
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, (8*\n)(sp)
    .endr
    csrr t0, sscratch
    sd t0, 16(sp)
    csrw sscratch, sp
    mv a0, sp
    la sp, supervisor_stack_top
    call supervisor_trap
    bnez a0, supervisor_end
    csrr sp, sscratch
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, (8*\n)(sp)
    .endr
    ld sp, 16(sp)
    sret
    .balign 4
supervisor_end:
    ecall
    j supervisor_end

    .bss
    .balign 16
    .space 16384
stack_top:
    .space 4096
trap_stack_top:
    .space 4096
supervisor_stack_top:
    .globl machine_context, supervisor_context, saved_sp, instret_at_entry
machine_context: .space 600
supervisor_context: .space 600
saved_sp: .space 8
instret_at_entry: .space 8
