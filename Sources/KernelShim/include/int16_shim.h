// Matrix products of 16-bit integers with exact 32-bit sums, and the way of floats into them. Every
// variant gives the same bits.
//
// A factor is read along the product's depth in passes of FST_INT16_PASS values. A pass is its pairs of
// neighbouring values, four bytes each, the first in the low half, and after them, as one element more,
// a float: the size of one unit. So a factor of depth d takes fst_int16_elements(d) elements, fits into
// the memory of the d floats that it is made of, and is read with the same strides.
#ifndef FST_INT16_SHIM_H
#define FST_INT16_SHIM_H

#include "kernel_shim.h"

typedef enum {
  // Plain C: the reference, on any machine.
  FST_INT16_PLAIN = 0,
  // VPMADDWD of 256 bits and a sum.
  FST_INT16_AVX2 = 1,
  // VPDPWSSD of 512 bits: multiplies and sums twice as many values as a float's multiply-add.
  FST_INT16_VNNI = 2,
} fst_int16_variant;

// Whether this processor can run the variant.
bool fst_int16_is_supported(fst_int16_variant variant);

// Values of one pass: what 32-bit sums hold, see Note [No sum overflows] in int16_pack.c.
enum { FST_INT16_PASS = 256 };

// Elements of four bytes that `depth` values take.
static inline ptrdiff_t fst_int16_elements(ptrdiff_t depth) {
  return (depth + 1) / 2 + (depth + FST_INT16_PASS - 1) / FST_INT16_PASS;
}

// One pass of a product, as fst_kernel_multiply computes it of floats: `a` and `b` begin with the
// pass's pairs, which `depth` counts.
void fst_int16_multiply(fst_int16_variant variant, const fst_kernel_product *product);

// Makes a first factor of each of `rows` rows of `depth` floats, in place; `depth` is a multiple of 16.
void fst_int16_pack_rows(fst_int16_variant variant, float *values, ptrdiff_t stride, ptrdiff_t rows,
                         ptrdiff_t depth);

// Makes a factor whose depth are the `rows` rows of `source`, of each of `columns` columns, a multiple
// of 16. `target` has elements in place of rows, and may be `source` with the same stride.
typedef struct {
  const float *source;
  ptrdiff_t source_row;
  float *target;
  ptrdiff_t target_row;
  ptrdiff_t rows, columns;
} fst_int16_columns;

void fst_int16_pack_columns(fst_int16_variant variant, const fst_int16_columns *matrix);

#endif
