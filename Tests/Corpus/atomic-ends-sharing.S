# An atomic whose page is the first one of S-mode that isn't global. Translations without the G bit belong to
# their address space alone (privileged specification, 12.3.1), so our shared tables end there: the atomic filled
# the new ones, went on looking in the old ones, and never came back.
#
# mode S, program 5, context 2
# x3 = 0x5
# expect no trap
# expect x6=0x0 x7=0x5

    .text
    lui     x5, 0x40000         # page 0 of the window: readable, writable, not global
    amoadd.d x6, x3, (x5)
    amoadd.d x7, x3, (x5)
