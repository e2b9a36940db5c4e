// The innermost loops of matrix products, in the widest vectors that this processor has: the one
// place that knows processors. Plain C vectors, no intrinsics; every variant gives the same bits.
// The loops of t-SNE are in embedding_shim.h.
#ifndef FST_KERNEL_SHIM_H
#define FST_KERNEL_SHIM_H

#include <stdbool.h>
#include <stddef.h>

// Variants of a kernel, by the vectors they are compiled for.
typedef enum {
  // What the whole program is compiled for: x86-64-v3 (AVX2 and FMA), or arm64 with NEON.
  FST_KERNEL_BASELINE = 0,
  // 512-bit vectors; twice the results per instruction and 32 registers.
  FST_KERNEL_AVX512 = 1,
} fst_kernel_variant;

// Whether this processor can run the variant.
bool fst_kernel_is_supported(fst_kernel_variant variant);

// Columns of a panel.
enum { FST_KERNEL_PANEL = 16 };

// c[rows, 16 panels] = (or +=) a[rows, depth] b[depth, 16 panels], all in floats. Element (r, d)
// of a lies at r * a_row + d * a_depth; columns 16 p to 16 p + 15 of row d of b begin at
// p * b_panel + d * b_depth, and those of row r of c at r * c_row + 16 p. Each result is one chain
// of fused multiply-adds over d = 0, 1, ...
typedef struct {
  const float *a;
  ptrdiff_t a_row, a_depth;
  const float *b;
  ptrdiff_t b_panel, b_depth;
  float *c;
  ptrdiff_t c_row;
  ptrdiff_t rows, panels, depth;
  bool accumulate;
} fst_kernel_product;

// Computes one product with a variant that is supported.
void fst_kernel_multiply(fst_kernel_variant variant, const fst_kernel_product *product);

// Asks for the cache line of `address`, which is written soon: a hint, harmless beyond an array's
// end.
static inline void fst_prefetch_write(const float *address) { __builtin_prefetch(address, 1, 3); }

// The same of a line that is read somewhat later: into the second-level cache.
static inline void fst_prefetch_soon(const float *address) { __builtin_prefetch(address, 0, 2); }

// Runs `rounds` of independent multiply-adds of full vectors, and returns the floating-point
// operations that were done: timed by the caller, the most that this core can do.
double fst_kernel_peak(fst_kernel_variant variant, ptrdiff_t rounds);

#endif
