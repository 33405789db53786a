# What the generator made: the instructions under test and the rows.
    .section .code, "ax", @progbits
    .incbin CODE
    .section .rows, "a", @progbits
    .balign 8
    .globl  table
table:
    .incbin ROWS
