// Floating point in both precisions: planets on their orbits, a Mandelbrot set, an LU
// decomposition, sums with compensation, and conversions. Every result is compared bit for bit;
// fused operations are written out, so that no compiler's taste decides where one is used.
#include "bench.h"

#include <math.h>
#include <string.h>

static uint64_t bits(double value) {
    uint64_t b;
    memcpy(&b, &value, sizeof b);
    return b;
}

static uint64_t orbits(int steps) {
    double x[5][3] = {{0, 0, 0}, {4.84, -1.16, -0.10}, {8.34, 4.12, -0.40}, {12.89, -15.11, -0.22}, {15.37, -25.9, 0.18}};
    double v[5][3] = {{0, 0, 0}, {0.60, 2.81, -0.02}, {-1.01, 1.82, 0.008}, {1.08, 0.86, -0.01}, {0.97, 0.59, -0.03}};
    const double mass[5] = {39.47, 0.0376, 0.0112, 0.0017, 0.002}, dt = 0.01;
    for (; steps > 0; steps--) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double d[3], square = 0;
                for (int k = 0; k < 3; k++) {
                    d[k] = x[i][k] - x[j][k];
                    square += d[k] * d[k];
                }
                double pull = dt / (square * sqrt(square));
                for (int k = 0; k < 3; k++) {
                    v[i][k] -= d[k] * mass[j] * pull;
                    v[j][k] += d[k] * mass[i] * pull;
                }
            }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++)
                x[i][k] += dt * v[i][k];
    }
    double sum = 0;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++)
            sum += x[i][k] * (k + 1);
    return bits(sum);
}

static uint64_t mandelbrot(int side) {
    uint64_t iterations = 0;
    for (int row = 0; row < side; row++)
        for (int column = 0; column < side; column++) {
            float cr = 3.0f * (float)column / (float)side - 2.25f, ci = 2.5f * (float)row / (float)side - 1.25f;
            float r = 0, i = 0;
            int n = 0;
            for (; n < 100 && r * r + i * i < 4.0f; n++) {
                float next = r * r - i * i + cr;
                i = 2.0f * r * i + ci;
                r = next;
            }
            iterations = iterations * 3 + (uint64_t)n;
        }
    return iterations;
}

enum { size = 120 };

static uint64_t decompose(int rounds) {
    static double a[size][size];
    uint64_t state = 777, digest = 0;
    for (; rounds > 0; rounds--) {
        for (int i = 0; i < size; i++)
            for (int j = 0; j < size; j++)
                a[i][j] = (double)(int64_t)bench_random(&state) * 0x1p-63 + (i == j ? size : 0);
        for (int k = 0; k < size; k++)
            for (int i = k + 1; i < size; i++) {
                double factor = a[i][k] /= a[k][k];
                for (int j = k + 1; j < size; j++)
                    a[i][j] = __builtin_fma(-factor, a[k][j], a[i][j]);
            }
        double determinant = 0;
        for (int i = 0; i < size; i++)
            determinant += a[i][i];
        digest = digest * 31 + bits(determinant);
    }
    return digest;
}

static uint64_t conversions(int count) {
    uint64_t state = 31337, digest = 0;
    double sum = 0, lost = 0;
    float small = 0;
    for (int i = 0; i < count; i++) {
        int64_t whole = (int64_t)bench_random(&state) >> 20;
        double value = (double)whole / 1024.0, y = value - lost, t = sum + y;
        lost = (t - sum) - y;
        sum = t;
        small = small * 0.5f + (float)value;
        digest ^= (uint64_t)(int64_t)small + (value > sum) + ((uint64_t)(int32_t)(whole & 0xffff) << 40);
    }
    return digest ^ bits(sum);
}

bool bench_fp(void) {
    bool right = true;
    right &= bench_expect("orbits", orbits(200000), 0x405d8b390ad77feb);
    right &= bench_expect("mandelbrot", mandelbrot(500), 0x16a9c239eff213d3);
    right &= bench_expect("decomposition", decompose(40), 0x5564632f27adc376);
    right &= bench_expect("conversions", conversions(6000000), 0x42a2bafb17434909);
    return right;
}
