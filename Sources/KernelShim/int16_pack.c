#include "int16_shim.h"

#include <stdint.h>

#include "product_walk.h"

// Note [No sum overflows]: a pass of a factor, x, becomes integers q = round(x / unit), where the unit
// is the least that keeps
//
//   |x_i| / unit <= 32767 for each value, and |x| / unit <= 46320 for the norm of at most 256 of them.
//
// So q fits 16 bits, and rounding adds at most 1/2 to each value: |q| <= 46320 + sqrt(256) / 2 = 46328.
// A sum of products of two passes is at most |q| |r| <= 46328² = 2,146,283,584 by Cauchy and Schwarz,
// below 2^31 = 2,147,483,648; and so is each part of it, since a part's norms are smaller. What is left
// is 2.8e-4 of each norm, a hundred times what the floats lose that compute it. Where squares would
// leave the range of floats, the largest value times sqrt(256) stands for the norm, which is no less.
static const float LARGEST_VALUE = 32767, LARGEST_NORM = 46320, ROOT_OF_PASS = 16;
static const float LEAST_SQUARED = 1e-15f, MOST_SQUARED = 1e15f;
// So that the inverse of a unit is finite; values below it are as good as nothing.
static const float LEAST_UNIT = 1e-36f;

enum { LANES = 16, ROWS = 8, GROUPS = 3, STRIP = 4 };

typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef int32_t eight_bits __attribute__((vector_size(32)));
typedef int32_t bits __attribute__((vector_size(64)));
typedef int16_t halves __attribute__((vector_size(64)));
typedef int16_t half_lanes __attribute__((vector_size(32)));
// What is written to memory that floats are read from.
typedef int32_t stored_pairs __attribute__((vector_size(64), aligned(4), may_alias));
typedef int16_t stored_halves __attribute__((vector_size(64), aligned(2), may_alias));
typedef int16_t stored_half_lanes __attribute__((vector_size(32), aligned(2), may_alias));

// Sums of squares and largest absolute values, as bits: those of floats that are not negative order
// as they do, and a NaN is the largest.
typedef struct {
  panel_row squares;
  bits largest;
} extent;

INLINED void extend(extent *e, const float *values) {
  const panel_row v = *(const panel_row *)values;
  e->squares += v * v;
  e->largest = __builtin_elementwise_max(e->largest, (bits)v & 0x7fffffff);
}

// The unit of a pass for each of eight rows or columns, and one over it. Not a number or infinite where
// a value is, so that all results are.
INLINED void find_units(const eight *squares, const eight_bits *largest, eight *unit,
                        eight *inverse) {
  const eight most = (eight)*largest;
  const eight_bits is_odd = (most < LEAST_SQUARED) | (most > MOST_SQUARED);
  const eight norm = __builtin_elementwise_sqrt(*squares), bound = most * ROOT_OF_PASS;
  const eight safe = (eight)((is_odd & (eight_bits)bound) | (~is_odd & (eight_bits)norm));
  const eight least = LEAST_UNIT + (eight){0};
  *unit = (eight)__builtin_elementwise_max(
      __builtin_elementwise_max((eight_bits)(most * (1 / LARGEST_VALUE)), (eight_bits)least),
      (eight_bits)(safe * (1 / LARGEST_NORM)));
  *inverse = 1 / *unit;
}

// round(values / unit) in the low 16 bits of each lane: a float of this size has units of one.
INLINED void to_integers(const float *values, const panel_row *inverse, bits *result) {
  const float unit_is_one = 12582912;
  *result = (bits)(*(const panel_row *)values * *inverse + unit_is_one);
}

// MARK: Rows

#define FIRST_HALVES 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define SECOND_HALVES 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define FIRST_QUARTERS 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define SECOND_QUARTERS 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define FIRST_EIGHTHS 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define SECOND_EIGHTHS 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define SUM(a, b) ((a) + (b))
// Two vectors into one, which holds half as many lanes of each.
#define FOLD(op, a, b, part) \
  op(__builtin_shufflevector(a, b, FIRST_##part), __builtin_shufflevector(a, b, SECOND_##part))
// Eight vectors, v(0) to v(7), into one of eight lanes, each the sum or maximum of one vector's.
#define FOLD_ALL(type, op, v, result)                                                              \
  do {                                                                                             \
    const type a = FOLD(op, v(0), v(4), HALVES), b = FOLD(op, v(1), v(5), HALVES);                 \
    const type c = FOLD(op, v(2), v(6), HALVES), d = FOLD(op, v(3), v(7), HALVES);                 \
    const type e = FOLD(op, a, c, QUARTERS), f = FOLD(op, b, d, QUARTERS);                         \
    const type g = FOLD(op, e, f, EIGHTHS);                                                        \
    result = op(__builtin_shufflevector(g, g, 0, 2, 4, 6, 8, 10, 12, 14),                          \
                __builtin_shufflevector(g, g, 1, 3, 5, 7, 9, 11, 13, 15));                         \
  } while (0)

INLINED void row_units(const float *values, ptrdiff_t stride, int rows, ptrdiff_t depth,
                       eight *unit, eight *inverse) {
  extent extents[ROWS];
#pragma clang loop unroll(full)
  for (int r = 0; r < ROWS; r++) extents[r] = (extent){{0}, {0}};
  for (ptrdiff_t d = 0; d < depth; d += LANES) {
#pragma clang loop unroll(full)
    for (int r = 0; r < ROWS; r++)
      if (r < rows) extend(&extents[r], values + r * stride + d);
  }
  eight squares;
  eight_bits largest;
#define SQUARES_OF(r) extents[r].squares
#define LARGEST_OF(r) extents[r].largest
  FOLD_ALL(panel_row, SUM, SQUARES_OF, squares);
  FOLD_ALL(bits, __builtin_elementwise_max, LARGEST_OF, largest);
  find_units(&squares, &largest, unit, inverse);
}

#define EVEN_HALVES                                                                                \
  0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48,   \
      50, 52, 54, 56, 58, 60, 62

INLINED void pack_row(const float *values, ptrdiff_t depth, float inverse, int16_t *target) {
  const panel_row factor = inverse + (panel_row){0};
  bits low, high;
  ptrdiff_t d = 0;
  for (; d + 2 * LANES <= depth; d += 2 * LANES) {
    to_integers(values + d, &factor, &low);
    to_integers(values + d + LANES, &factor, &high);
    *(stored_halves *)(target + d) =
        __builtin_shufflevector((halves)low, (halves)high, EVEN_HALVES);
  }
  if (d == depth) return;
  to_integers(values + d, &factor, &low);
  *(stored_half_lanes *)(target + d) = __builtin_convertvector(low, half_lanes);
}

// Up to GROUPS times eight rows: units of all first, since each takes long to come.
INLINED void pack_group(float *values, ptrdiff_t stride, int groups, int rows, ptrdiff_t depth) {
  float *source = values, *target = values;
  for (ptrdiff_t rest = depth; rest > 0; rest -= FST_INT16_PASS) {
    const ptrdiff_t count = rest < FST_INT16_PASS ? rest : FST_INT16_PASS;
    eight unit[GROUPS], inverse[GROUPS];
    for (int g = 0; g < groups; g++)
      row_units(source + g * ROWS * stride, stride, rows, count, &unit[g], &inverse[g]);
    for (int r = 0; r < groups * rows; r++) {
      const float *factor = (const float *)inverse + r, *own = (const float *)unit + r;
      pack_row(source + r * stride, count, *factor, (int16_t *)(target + r * stride));
      target[r * stride + count / 2] = *own;
    }
    source += count;
    target += fst_int16_elements(count);
  }
}

INLINED void pack_rows(float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t depth) {
  for (; rows >= GROUPS * ROWS; rows -= GROUPS * ROWS, values += GROUPS * ROWS * stride)
    pack_group(values, stride, GROUPS, ROWS, depth);
  for (; rows >= ROWS; rows -= ROWS, values += ROWS * stride)
    pack_group(values, stride, 1, ROWS, depth);
  for (; rows > 0; rows--, values += stride) pack_group(values, stride, 1, 1, depth);
}

// MARK: Columns

// `strip` neighbouring vectors of columns.
INLINED void pack_strip(int strip, const fst_int16_columns *m, ptrdiff_t column) {
  const float *source = m->source + column;
  float *target = m->target + column;
  for (ptrdiff_t rest = m->rows; rest > 0; rest -= FST_INT16_PASS) {
    const ptrdiff_t rows = rest < FST_INT16_PASS ? rest : FST_INT16_PASS;
    extent extents[STRIP];
    panel_row inverse[STRIP], unit[STRIP];
#pragma clang loop unroll(full)
    for (int s = 0; s < strip; s++) extents[s] = (extent){{0}, {0}};
    for (ptrdiff_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
      for (int s = 0; s < strip; s++) {
        const float *values = source + r * m->source_row + s * LANES;
        // The next strip, whose lines lie too far apart for a processor to follow.
        __builtin_prefetch(values + strip * LANES, !WRITE, KEEP);
        extend(&extents[s], values);
      }
    }
#pragma clang loop unroll(full)
    for (int s = 0; s < strip; s++) {
      eight *units = (eight *)&unit[s], *inverses = (eight *)&inverse[s];
      for (int h = 0; h < 2; h++)
        find_units((eight *)&extents[s].squares + h, (eight_bits *)&extents[s].largest + h,
                   units + h, inverses + h);
    }
    for (ptrdiff_t r = 0; r < rows; r += 2) {
#pragma clang loop unroll(full)
      for (int s = 0; s < strip; s++) {
        bits low, high = {0};
        to_integers(source + r * m->source_row + s * LANES, &inverse[s], &low);
        if (r + 1 < rows)
          to_integers(source + (r + 1) * m->source_row + s * LANES, &inverse[s], &high);
        *(stored_pairs *)(target + s * LANES) = (low & 0xffff) | (high << 16);
      }
      target += m->target_row;
    }
#pragma clang loop unroll(full)
    for (int s = 0; s < strip; s++) *(panel_row *)(target + s * LANES) = unit[s];
    target += m->target_row;
    source += rows * m->source_row;
  }
}

INLINED void pack_columns(const fst_int16_columns *m) {
  ptrdiff_t column = 0;
  for (; column + STRIP * LANES <= m->columns; column += STRIP * LANES)
    pack_strip(STRIP, m, column);
  for (; column + 2 * LANES <= m->columns; column += 2 * LANES) pack_strip(2, m, column);
  for (; column < m->columns; column += LANES) pack_strip(1, m, column);
}

BASELINE static void rows_baseline(float *values, ptrdiff_t stride, ptrdiff_t rows,
                                   ptrdiff_t depth) {
  pack_rows(values, stride, rows, depth);
}
BASELINE static void columns_baseline(const fst_int16_columns *matrix) { pack_columns(matrix); }

#if defined(__x86_64__)
AVX512 static void rows_avx512(float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t depth) {
  pack_rows(values, stride, rows, depth);
}
AVX512 static void columns_avx512(const fst_int16_columns *matrix) { pack_columns(matrix); }
#else
#define rows_avx512 rows_baseline
#define columns_avx512 columns_baseline
#endif

void fst_int16_pack_rows(fst_int16_variant variant, float *values, ptrdiff_t stride, ptrdiff_t rows,
                         ptrdiff_t depth) {
  if (variant == FST_INT16_VNNI) return rows_avx512(values, stride, rows, depth);
  rows_baseline(values, stride, rows, depth);
}

void fst_int16_pack_columns(fst_int16_variant variant, const fst_int16_columns *matrix) {
  if (variant == FST_INT16_VNNI) return columns_avx512(matrix);
  columns_baseline(matrix);
}
