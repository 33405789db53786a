#include "host_fp.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>


uint8_t host_fused_flag;
__attribute__((constructor)) static void find_fused(void) {
    __builtin_cpu_init();
    host_fused_flag = __builtin_cpu_supports("fma") != 0;
}

int host_fp_available(void) { return __builtin_cpu_supports("f16c") && __builtin_cpu_supports("fma"); }

// RISC-V's RNE RTZ RDN RUP in MXCSR's bits 13 and 14; all exceptions masked, denormals honoured.
static const unsigned mode_bits[4] = {0x0000, 0x6000, 0x2000, 0x4000};

static uint8_t flags_of(unsigned csr) {
    uint8_t r = 0;
    if (csr & 0x20) r |= 1;   // inexact
    if (csr & 0x10) r |= 2;   // underflow
    if (csr & 0x08) r |= 4;   // overflow
    if (csr & 0x04) r |= 8;   // divide by zero
    if (csr & 0x01) r |= 16;  // invalid
    return r;
}

static float f32(uint64_t bits) { uint32_t w = (uint32_t)bits; float f; memcpy(&f, &w, 4); return f; }
static double f64(uint64_t bits) { double f; memcpy(&f, &bits, 8); return f; }
static uint64_t b32(float f) { uint32_t w; memcpy(&w, &f, 4); return w; }
static uint64_t b64(double f) { uint64_t w; memcpy(&w, &f, 8); return w; }

__attribute__((target("f16c"))) static uint64_t to_half(float x) {
    // Immediate 4: round as MXCSR says.
    return (uint16_t)_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(x), 4), 0);
}
__attribute__((target("f16c"))) static float from_half(uint64_t x) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128((int)(x & 0xffff))));
}
__attribute__((target("fma"))) static float fused32(float a, float b, float c) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}
__attribute__((target("fma"))) static double fused64(double a, double b, double c) {
    return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c)));
}

// Operands and result pass through volatile objects, which stay in place between the accesses to MXCSR.
#define BEGIN(T) \
    unsigned saved = _mm_getcsr(); \
    _mm_setcsr(0x1f80 | mode_bits[mode & 3]); \
    volatile T vx = x, vy = y, vz = z; \
    T p = vx, q = vy, s = vz; (void)q; (void)s; \
    volatile T t = 0; volatile uint64_t u = 0; int integral = 0; \
    __asm__ volatile("" : "+x"(p), "+x"(q), "+x"(s)::"memory");
#define END(PACK) \
    __asm__ volatile("" ::: "memory"); \
    unsigned csr = _mm_getcsr(); \
    _mm_setcsr(saved); \
    struct host_fp_result r = {integral ? u : PACK(t), flags_of(csr)}; \
    return r;

struct host_fp_result host_fp32(enum host_fp_operation operation, int mode, uint64_t a, uint64_t b, uint64_t c) {
    float x = f32(a), y = f32(b), z = f32(c);
    BEGIN(float)
    switch (operation) {
    case host_fp_add: t = p + q; break;
    case host_fp_subtract: t = p - q; break;
    case host_fp_multiply: t = p * q; break;
    case host_fp_divide: t = p / q; break;
    case host_fp_square_root: t = _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(p))); break;
    case host_fp_fused: t = fused32(p, q, s); break;
    case host_fp_to_double: u = b64((double)p); integral = 1; break;
    case host_fp_to_half: u = to_half(p); integral = 1; break;
    case host_fp_from_half: t = from_half(a); break;
    case host_fp_to_long: u = (uint64_t)_mm_cvtss_si64(_mm_set_ss(p)); integral = 1; break;
    case host_fp_to_word: u = (uint64_t)(int64_t)_mm_cvtss_si32(_mm_set_ss(p)); integral = 1; break;
    case host_fp_from_long: t = _mm_cvtss_f32(_mm_cvtsi64_ss(_mm_setzero_ps(), (int64_t)a)); break;
    case host_fp_to_single: t = p; break;
    }
    END(b32)
}

struct host_fp_result host_fp64(enum host_fp_operation operation, int mode, uint64_t a, uint64_t b, uint64_t c) {
    double x = f64(a), y = f64(b), z = f64(c);
    BEGIN(double)
    switch (operation) {
    case host_fp_add: t = p + q; break;
    case host_fp_subtract: t = p - q; break;
    case host_fp_multiply: t = p * q; break;
    case host_fp_divide: t = p / q; break;
    case host_fp_square_root: t = _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(p))); break;
    case host_fp_fused: t = fused64(p, q, s); break;
    case host_fp_to_single: u = b32((float)p); integral = 1; break;
    case host_fp_to_long: u = (uint64_t)_mm_cvtsd_si64(_mm_set_sd(p)); integral = 1; break;
    case host_fp_to_word: u = (uint64_t)(int64_t)_mm_cvtsd_si32(_mm_set_sd(p)); integral = 1; break;
    case host_fp_from_long: t = _mm_cvtsd_f64(_mm_cvtsi64_sd(_mm_setzero_pd(), (int64_t)a)); break;
    case host_fp_to_double: t = p; break;
    case host_fp_to_half: case host_fp_from_half: break;
    }
    END(b64)
}
#else
int host_fp_available(void) { return 0; }
struct host_fp_result host_fp32(enum host_fp_operation operation, int mode, uint64_t a, uint64_t b, uint64_t c) {
    struct host_fp_result r = {0, 0}; return r;
}
struct host_fp_result host_fp64(enum host_fp_operation operation, int mode, uint64_t a, uint64_t b, uint64_t c) {
    struct host_fp_result r = {0, 0}; return r;
}
#endif
