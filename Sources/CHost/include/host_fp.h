#ifndef HOST_FP_H
#define HOST_FP_H
#include <stdint.h>

// Swift's squareRoot() may set errno, so it keeps a call to libm beside the instruction; its conversion to
// an integer traps out of range, and so checks what the caller has checked.
static inline double host_square_root(double x) { return __builtin_elementwise_sqrt(x); }
static inline float host_square_root_single(float x) { return __builtin_elementwise_sqrt(x); }
// Only for -2^63 <= x < 2^63.
static inline int64_t host_truncate(double x) { return (int64_t)x; }
static inline int64_t host_truncate_single(float x) { return (int64_t)x; }

// a * b + c rounded once, where host_has_fused() says so. Baseline x86-64 hasn't the instruction, so a compiler
// would call libm; it is spelled out instead, and whether this machine has it is found at start.
#if defined(__x86_64__)
extern __attribute__((visibility("hidden"))) uint8_t host_fused_flag;
static inline int host_has_fused(void) { return host_fused_flag; }
static inline double host_fused(double a, double b, double c) {
    __asm__("vfmadd213sd %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));
    return a;
}
#else
static inline int host_has_fused(void) { return 0; }
static inline double host_fused(double a, double b, double c) { return 0; }
#endif

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
