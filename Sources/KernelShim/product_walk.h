// What the loops of matrix products have in common, whatever they multiply: how they go through
// memory. Elements are four bytes, floats or pairs of 16-bit integers. See product_template.h.
#ifndef FST_PRODUCT_WALK_H
#define FST_PRODUCT_WALK_H

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

#endif
