# The shortest guest that a launcher takes for a kernel: an Image (Linux Documentation/arch/riscv/boot-image-header.rst)
# whose first instruction waits for ever, since no interrupt is enabled.
    .globl _start
    .text
    .option norvc
_start:
    wfi
    j       _start
    .dword  0x200000            # text_offset
    .dword  end - _start        # image_size
    .dword  0                   # flags: little-endian
    .word   2                   # version 0.2
    .word   0
    .dword  0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\x05"
    .word   0
    .balign 4096, 0
end:
