# Conversions that never round still have a rounding mode, and a reserved one is illegal. The unprivileged
# specification, 20.2: "Some instructions, including widening conversions, have the rm field but are nevertheless
# mathematically unaffected by the rounding mode; software should set their rm field to RNE (000) but
# implementations must treat the rm field as usual (in particular, with regard to decoding legal vs. reserved
# encodings)." We carried them out when frm held a reserved mode.
#
# mode M
# fcsr = 0xa0    f1 = 0xffffffff3f800000    f2 = 0x1234    x5 = 0x7
# expect trap M cause=0x2 epc=start+0x0 tval=0x4200f153
# expect trap M cause=0x2 epc=start+0x4 tval=0xd202f153
# expect trap M cause=0x2 epc=start+0x8 tval=0xd212f153
# expect trap M cause=0x2 epc=start+0xc tval=0x4020f153
# expect trap M cause=0x2 epc=start+0x10 tval=0x4220f153
# expect f2=0x1234 f3=0x401c000000000000 fcsr=0xa0

    .text
    .4byte 0x4200f153       # fcvt.d.s f2, f1, dyn
    .4byte 0xd202f153       # fcvt.d.w f2, x5, dyn
    .4byte 0xd212f153       # fcvt.d.wu f2, x5, dyn
    .4byte 0x4020f153       # fcvt.s.h f2, f1, dyn
    .4byte 0x4220f153       # fcvt.d.h f2, f1, dyn
    fcvt.d.w f3, x5         # rne
