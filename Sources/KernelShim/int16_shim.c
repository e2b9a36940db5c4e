#include "int16_shim.h"

#include <stdint.h>

#include "product_walk.h"

// What is read of memory that holds floats and pairs in turn.
typedef int32_t pair __attribute__((may_alias));
typedef int32_t pair_row __attribute__((vector_size(64)));

#define VALUES_OF_PAIR 2
// The exact sum, rounded once to a float, in the units of both factors.
#define SCALED(sum, a, b) \
  (__builtin_convertvector(sum, panel_row) * (*(a) * *(const panel_row *)(b)))

INLINED void plain_multiply_add(pair_row *sum, const float *a, const panel_row *row) {
  const pair value = *(const pair *)a;
  const pair_row pairs = (pair_row)*row, low = pairs << 16 >> 16, high = pairs >> 16;
  *sum += low * (int16_t)value + high * (value >> 16);
}

#define NAME(f) plain_##f
#define TARGET
#define product_sum pair_row
#define VALUES VALUES_OF_PAIR
#define RESULT SCALED
#include "product_template.h"

BASELINE static void multiply_plain(const fst_kernel_product *p) { plain_multiply(6, 1, p); }

#if defined(__x86_64__)
#include <immintrin.h>

#define VNNI __attribute__((target("avx512vnni,avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))

BASELINE INLINED void avx2_multiply_add(pair_row *sum, const float *a, const panel_row *row) {
  const __m256i value = _mm256_set1_epi32(*(const pair *)a);
  for (int half = 0; half < 2; half++) {
    __m256i *target = (__m256i *)sum + half;
    *target =
        _mm256_add_epi32(*target, _mm256_madd_epi16(*((const __m256i *)row + half), value));
  }
}

VNNI INLINED void vnni_multiply_add(pair_row *sum, const float *a, const panel_row *row) {
  const __m512i value = _mm512_set1_epi32(*(const pair *)a);
  *sum = (pair_row)_mm512_dpwssd_epi32((__m512i)*sum, (__m512i)*row, value);
}

#define NAME(f) avx2_##f
#define TARGET BASELINE
#define product_sum pair_row
#define VALUES VALUES_OF_PAIR
#define RESULT SCALED
#include "product_template.h"

#define NAME(f) vnni_##f
#define TARGET VNNI
#define product_sum pair_row
#define VALUES VALUES_OF_PAIR
#define RESULT SCALED
#include "product_template.h"

BASELINE static void multiply_avx2(const fst_kernel_product *p) { avx2_multiply(6, 1, p); }
VNNI static void multiply_vnni(const fst_kernel_product *p) { vnni_multiply(12, 2, p); }

bool fst_int16_is_supported(fst_int16_variant variant) {
  if (variant == FST_INT16_PLAIN) return true;
  if (!fst_kernel_is_supported(FST_KERNEL_BASELINE)) return false;
  if (variant == FST_INT16_AVX2) return true;
  return fst_kernel_is_supported(FST_KERNEL_AVX512) && __builtin_cpu_supports("avx512vnni");
}

void fst_int16_multiply(fst_int16_variant variant, const fst_kernel_product *product) {
  if (variant == FST_INT16_VNNI) return multiply_vnni(product);
  if (variant == FST_INT16_AVX2) return multiply_avx2(product);
  multiply_plain(product);
}
#else
bool fst_int16_is_supported(fst_int16_variant variant) { return variant == FST_INT16_PLAIN; }

void fst_int16_multiply(fst_int16_variant variant, const fst_kernel_product *product) {
  (void)variant;
  multiply_plain(product);
}
#endif
