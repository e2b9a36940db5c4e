#include "kernel_shim.h"

#include "product_walk.h"

INLINED void float_multiply_add(panel_row *sum, const float *a, const panel_row *row) {
  *sum += *a * *row;
}

#define NAME(f) float_##f
#define TARGET
#define product_sum panel_row
#define VALUES 1
#define RESULT(sum, a, b) ((void)(a), (void)(b), (sum))
#include "product_template.h"

// As many chains as hide the latency of a multiply-add, and as registers can hold. The values come
// from outside, so that the compiler cannot know the result.
INLINED double peak(int chains, ptrdiff_t rounds) {
  volatile float start = 0.5f;
  const panel_row factor = start + (panel_row){0};
  panel_row sums[12];
#pragma clang loop unroll(full)
  for (int i = 0; i < chains; i++) sums[i] = factor;
  for (ptrdiff_t n = 0; n < rounds; n++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) sums[i] = sums[i] * factor + factor;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < chains; i++) start = sums[i][i];
  return 2.0 * chains * FST_KERNEL_PANEL * (double)rounds;
}

BASELINE static void multiply_baseline(const fst_kernel_product *p) { float_multiply(6, 1, p); }
BASELINE static double peak_baseline(ptrdiff_t rounds) { return peak(6, rounds); }

#if defined(__x86_64__)
AVX512 static void multiply_avx512(const fst_kernel_product *p) { float_multiply(12, 2, p); }
AVX512 static double peak_avx512(ptrdiff_t rounds) { return peak(12, rounds); }

bool fst_kernel_is_supported(fst_kernel_variant variant) {
  __builtin_cpu_init();
  bool baseline = __builtin_cpu_supports("x86-64-v3");
  if (variant == FST_KERNEL_BASELINE) return baseline;
  return baseline && __builtin_cpu_supports("x86-64-v4");
}

void fst_kernel_multiply(fst_kernel_variant variant, const fst_kernel_product *product) {
  if (variant == FST_KERNEL_AVX512) return multiply_avx512(product);
  multiply_baseline(product);
}

double fst_kernel_peak(fst_kernel_variant variant, ptrdiff_t rounds) {
  return variant == FST_KERNEL_AVX512 ? peak_avx512(rounds) : peak_baseline(rounds);
}
#else
bool fst_kernel_is_supported(fst_kernel_variant variant) { return variant == FST_KERNEL_BASELINE; }

void fst_kernel_multiply(fst_kernel_variant variant, const fst_kernel_product *product) {
  (void)variant;
  multiply_baseline(product);
}

double fst_kernel_peak(fst_kernel_variant variant, ptrdiff_t rounds) {
  (void)variant;
  return peak_baseline(rounds);
}
#endif
