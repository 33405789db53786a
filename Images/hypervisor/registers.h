// The CSRs that a row may set, in the order in which they are written: what withholds a bit comes before what holds
// it. Scripts/lib/hmatrix/layout.py reads the names from here.
#define FOR_EACH_REGISTER(X) \
    X(menvcfg, 0x30A) \
    X(mstateen0, 0x30C) \
    X(mcounteren, 0x306) \
    X(medeleg, 0x302) \
    X(mideleg, 0x303) \
    X(mie, 0x304) \
    X(mip, 0x344) \
    X(mscratch, 0x340) \
    X(mepc, 0x341) \
    X(hstatus, 0x600) \
    X(hedeleg, 0x602) \
    X(hideleg, 0x603) \
    X(hie, 0x604) \
    X(hvip, 0x645) \
    X(hcounteren, 0x606) \
    X(htimedelta, 0x605) \
    X(henvcfg, 0x60A) \
    X(hstateen0, 0x60C) \
    X(hgatp, 0x680) \
    X(vsstatus, 0x200) \
    X(vsie, 0x204) \
    X(vstvec, 0x205) \
    X(vsscratch, 0x240) \
    X(vsepc, 0x241) \
    X(vstimecmp, 0x24D) \
    X(vsatp, 0x280) \
    X(stvec, 0x105) \
    X(scounteren, 0x106) \
    X(senvcfg, 0x10A) \
    X(sscratch, 0x140) \
    X(sepc, 0x141) \
    X(stimecmp, 0x14D) \
    X(satp, 0x180)
