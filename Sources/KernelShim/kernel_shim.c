#include "kernel_shim.h"

#pragma STDC FP_CONTRACT ON

#if defined(__x86_64__)
#define BASELINE __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))
#else
#define BASELINE
#endif
#define INLINED static inline __attribute__((always_inline))

typedef float panel_row __attribute__((vector_size(64), aligned(4)));

enum {
  // Rows of b ahead that are fetched into the first-level cache: some 400 cycles.
  PREFETCH_DISTANCE = 32,
  // Steps between two looks further ahead: a cache line of a's rows.
  STEPS_PER_LOOK = 16,
  // Rows of the next panels that one look asks for.
  ROWS_PER_LOOK = 4,
  // Products of fewer rows or less depth have all they need in the second-level cache already; and
  // it takes four groups of rows beside the first to ask for all of the next panels.
  LEAST_THAT_LOOKS = 60,
  WRITE = 1,
  KEEP = 3,
  SOON = 2,
};

// Where the rows and the panels begin that come after these, or null: a wide layer's lie in the
// third-level cache or in memory, and to ask for them early made steps 2 to 3 % shorter.
typedef struct {
  const float *a;
  const float *b;
} upcoming;

// A look ahead at step d, a multiple of STEPS_PER_LOOK.
INLINED void look_ahead(int height, int width, const fst_kernel_product *p, upcoming next,
                        ptrdiff_t d) {
  if (next.a) {
#pragma clang loop unroll(full)
    for (int r = 0; r < height; r++) __builtin_prefetch(next.a + r * p->a_row + d, !WRITE, KEEP);
  }
  if (next.b) {
    const float *row = next.b + d / STEPS_PER_LOOK * ROWS_PER_LOOK * p->b_depth;
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS_PER_LOOK; i++) {
#pragma clang loop unroll(full)
      for (int w = 0; w < width; w++)
        __builtin_prefetch(row + i * p->b_depth + w * p->b_panel, !WRITE, SOON);
    }
  }
}

// Addresses of `height` rows of a, a third as many registers as rows: each stands for its own row and
// the two after it, which addressing reaches by itself. Out of one pointer the compiler would make a
// chain of `height` additions a step, longer than the multiply-adds take; the empty assembly keeps it
// from seeing that they are one.
typedef struct {
  const float *of_three[4];
} row_addresses;

INLINED row_addresses addresses_of_rows(int height, const float *a, ptrdiff_t a_row) {
  row_addresses rows;
#pragma clang loop unroll(full)
  for (int r = 0; r < height; r += 3) {
    const float *row = a + r * a_row;
    __asm__("" : "+r"(row));
    rows.of_three[r / 3] = row;
  }
  return rows;
}

// `height` rows of `width` panels' results, held in registers throughout. The results' own lines are
// asked for first: where they lie far apart, as a weight gradient's do, waiting for them at the end
// took 15 % of the time.
INLINED void rows_of_panels(int height, int width, const fst_kernel_product *p, const float *a,
                            const float *b, float *c, upcoming next) {
  panel_row sums[12][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < height; r++) {
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      sums[r][w] = (panel_row){0};
      __builtin_prefetch(c + r * p->c_row + w * FST_KERNEL_PANEL, WRITE, KEEP);
    }
  }
  row_addresses rows = addresses_of_rows(height, a, p->a_row);
  for (ptrdiff_t d = 0; d < p->depth; d++) {
    if (d % STEPS_PER_LOOK == 0) look_ahead(height, width, p, next, d);
    panel_row row[2];
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      row[w] = *(const panel_row *)(b + w * p->b_panel);
      __builtin_prefetch(b + w * p->b_panel + PREFETCH_DISTANCE * p->b_depth, !WRITE, KEEP);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < height; r++) {
#pragma clang loop unroll(full)
      for (int w = 0; w < width; w++) sums[r][w] += rows.of_three[r / 3][r % 3 * p->a_row] * row[w];
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < height; r += 3) rows.of_three[r / 3] += p->a_depth;
    b += p->b_depth;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < height; r++) {
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      panel_row *target = (panel_row *)(c + r * p->c_row + w * FST_KERNEL_PANEL);
      *target = p->accumulate ? sums[r][w] + *target : sums[r][w];
    }
  }
}

// All rows of `width` panels, by groups of `height`, 8, 4 and 1: the panels stay in the first-level
// cache. Beside the first panels each group fetches the next group's rows; all groups but the first
// share the next panels out among them.
INLINED void panels_by_rows(int height, int width, const fst_kernel_product *p, ptrdiff_t panel) {
  const float *a = p->a, *b = p->b + panel * p->b_panel;
  float *c = p->c + panel * FST_KERNEL_PANEL;
  const upcoming none = {NULL, NULL};
  bool is_large = p->rows >= LEAST_THAT_LOOKS && p->depth >= LEAST_THAT_LOOKS;
  bool looks_at_rows = is_large && panel == 0 && p->a_depth == 1;
  bool looks_at_panels = is_large && panel + 2 * width <= p->panels;
  ptrdiff_t asked_for = 0, per_group = p->depth / STEPS_PER_LOOK * ROWS_PER_LOOK;
  ptrdiff_t r = 0;
  for (; r + height <= p->rows; r += height) {
    upcoming next = none;
    if (looks_at_rows && r + 2 * height <= p->rows) next.a = a + (r + height) * p->a_row;
    if (looks_at_panels && r > 0 && asked_for < p->depth) {
      next.b = b + width * p->b_panel + asked_for * p->b_depth;
      asked_for += per_group;
    }
    // Two copies of the loop: a look that asks for nothing costs narrow layers 4 %.
    if (next.a || next.b)
      rows_of_panels(height, width, p, a + r * p->a_row, b, c + r * p->c_row, next);
    else
      rows_of_panels(height, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
  }
  for (; height > 8 && r + 8 <= p->rows; r += 8)
    rows_of_panels(8, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
  for (; r + 4 <= p->rows; r += 4)
    rows_of_panels(4, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
  for (; r < p->rows; r++)
    rows_of_panels(1, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
}

INLINED void multiply(int height, int width, const fst_kernel_product *p) {
  ptrdiff_t panel = 0;
  for (; panel + width <= p->panels; panel += width) panels_by_rows(height, width, p, panel);
  for (; panel < p->panels; panel++) panels_by_rows(height, 1, p, panel);
}

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

BASELINE static void multiply_baseline(const fst_kernel_product *p) { multiply(6, 1, p); }
BASELINE static double peak_baseline(ptrdiff_t rounds) { return peak(6, rounds); }

#if defined(__x86_64__)
AVX512 static void multiply_avx512(const fst_kernel_product *p) { multiply(12, 2, p); }
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
