#ifndef HOST_FP_H
#define HOST_FP_H
#include <stdint.h>
// The host's own FPU as an oracle for tests of the soft-float: one operation on bit patterns in a given
// rounding mode, its exceptions gathered. Nothing but tests calls it. Only on x86-64, whose SSE unit
// detects tininess after rounding, as RISC-V does.
enum host_fp_operation {
    host_fp_add, host_fp_subtract, host_fp_multiply, host_fp_divide, host_fp_square_root, host_fp_fused,
    host_fp_to_single, host_fp_to_double, host_fp_to_half, host_fp_from_half,
    host_fp_to_long, host_fp_to_word, host_fp_from_long,
};
struct host_fp_result { uint64_t bits; uint8_t flags; };
// `mode` and `flags` are encoded as in RISC-V's fcsr; modes 0 to 3.
struct host_fp_result host_fp32(enum host_fp_operation operation, int mode, uint64_t a, uint64_t b, uint64_t c);
struct host_fp_result host_fp64(enum host_fp_operation operation, int mode, uint64_t a, uint64_t b, uint64_t c);
// Whether this machine can be asked: x86-64 with F16C.
int host_fp_available(void);
#endif
