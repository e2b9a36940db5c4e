#include "low_rank_shim.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#pragma STDC FP_CONTRACT ON

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#else
#define TARGET
#endif
#define INLINED TARGET static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

// As many columns are computed at once, as many rows share what is loaded of the columns' factor (half
// of them where registers are short), and as many of the factors' vectors are done in one pass.
enum { LANES = 8, ROWS = 4, VECTORS = 4 };

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t lane_bits __attribute__((vector_size(4 * LANES), aligned(4)));

INLINED lanes load(const float *p) { return *(const lanes *)p; }

INLINED void store(float *p, lanes values) { *(lanes *)p = values; }

INLINED float sum_of(lanes v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

// Each pass first for `height` rows and `vectors` vectors, both constants wherever it is inlined.

INLINED void fold_rows(
    int height, int vectors, bool adds, fst_low_rank_shape s, const float *restrict gradients,
    float *restrict errors, const float *restrict down, float *restrict across) {
  size_t j = 0;
  for (; j + LANES <= s.columns; j += LANES) {
    lanes m[ROWS];
    UNROLLED for (int r = 0; r < height; r++) {
      float *place = errors + r * s.columns + j;
      m[r] = load(place);
      if (adds) store(place, m[r] += load(gradients + r * s.columns + j));
    }
    UNROLLED for (int k = 0; k < vectors; k++) {
      lanes sum = load(across + k * s.columns + j);
      UNROLLED for (int r = 0; r < height; r++) sum += m[r] * down[k * s.rows + r];
      store(across + k * s.columns + j, sum);
    }
  }
  for (; j < s.columns; j++) {
    UNROLLED for (int r = 0; r < height; r++) {
      float *place = errors + r * s.columns + j;
      if (adds) *place += gradients[r * s.columns + j];
      UNROLLED for (int k = 0; k < vectors; k++)
        across[k * s.columns + j] += *place * down[k * s.rows + r];
    }
  }
}

INLINED void project_rows(
    int height, int vectors, fst_low_rank_shape s, const float *restrict matrix,
    const float *restrict across, float *restrict down) {
  lanes sums[ROWS][VECTORS] = {{{0}}};
  float rest[ROWS][VECTORS] = {{0}};
  size_t j = 0;
  for (; j + LANES <= s.columns; j += LANES) {
    UNROLLED for (int k = 0; k < vectors; k++) {
      lanes p = load(across + k * s.columns + j);
      UNROLLED for (int r = 0; r < height; r++) sums[r][k] += load(matrix + r * s.columns + j) * p;
    }
  }
  for (; j < s.columns; j++) {
    UNROLLED for (int r = 0; r < height; r++)
      UNROLLED for (int k = 0; k < vectors; k++)
        rest[r][k] += matrix[r * s.columns + j] * across[k * s.columns + j];
  }
  UNROLLED for (int r = 0; r < height; r++)
    UNROLLED for (int k = 0; k < vectors; k++)
      down[k * s.rows + r] = sum_of(sums[r][k]) + rest[r][k];
}

// The values, but 0 for those that are not finite.
INLINED lanes finite_or_zero(lanes values) {
  lane_bits bits;
  memcpy(&bits, &values, sizeof bits);
  bits &= (bits & 0x7fffffff) < 0x7f800000;
  memcpy(&values, &bits, sizeof bits);
  return values;
}

INLINED void rebuild_row(
    int vectors, bool adds, bool ends, fst_low_rank_shape s, const float *restrict across,
    const float *restrict summed, const float *restrict own, float *restrict gradients,
    float *restrict errors) {
  size_t j = 0;
  for (; j + LANES <= s.columns; j += LANES) {
    lanes sum = adds ? load(gradients + j) : (lanes){0}, left = load(errors + j);
    UNROLLED for (int k = 0; k < vectors; k++) {
      lanes p = load(across + k * s.columns + j);
      sum += p * summed[k * s.rows];
      left -= p * own[k * s.rows];
    }
    store(gradients + j, sum);
    store(errors + j, ends ? finite_or_zero(left) : left);
  }
  for (; j < s.columns; j++) {
    float sum = adds ? gradients[j] : 0, left = errors[j];
    UNROLLED for (int k = 0; k < vectors; k++) {
      sum += across[k * s.columns + j] * summed[k * s.rows];
      left -= across[k * s.columns + j] * own[k * s.rows];
    }
    gradients[j] = sum;
    errors[j] = !ends || fabsf(left) <= FLT_MAX ? left : 0;
  }
}

#define HEIGHT(vectors) ((vectors) <= 2 ? ROWS : ROWS / 2)

INLINED void fold(
    int vectors, bool adds, fst_low_rank_shape s, const float *gradients, float *errors,
    const float *down, float *across) {
  size_t i = 0;
  for (; i + HEIGHT(vectors) <= s.rows; i += HEIGHT(vectors))
    fold_rows(
        HEIGHT(vectors), vectors, adds, s, gradients + i * s.columns, errors + i * s.columns,
        down + i, across);
  for (; i < s.rows; i++)
    fold_rows(
        1, vectors, adds, s, gradients + i * s.columns, errors + i * s.columns, down + i,
        across);
}

INLINED void project(
    int vectors, fst_low_rank_shape s, const float *matrix, const float *across, float *down) {
  size_t i = 0;
  for (; i + HEIGHT(vectors) <= s.rows; i += HEIGHT(vectors))
    project_rows(
        HEIGHT(vectors), vectors, s, matrix + i * s.columns, across, down + i);
  for (; i < s.rows; i++)
    project_rows(1, vectors, s, matrix + i * s.columns, across, down + i);
}

INLINED void rebuild(
    int vectors, bool adds, bool ends, fst_low_rank_shape s, const float *across,
    const float *summed, const float *own, float *gradients, float *errors) {
  for (size_t i = 0; i < s.rows; i++)
    rebuild_row(
        vectors, adds, ends, s, across, summed + i, own + i, gradients + i * s.columns,
        errors + i * s.columns);
}

// Calls `pass` with as many vectors as are left of `rank` from `first` on, at most VECTORS.
#define WITH_VECTORS(rank, first, pass, ...)       \
  switch ((rank) - (first)) {                      \
    case 1: pass(1, __VA_ARGS__); break;           \
    case 2: pass(2, __VA_ARGS__); break;           \
    case 3: pass(3, __VA_ARGS__); break;           \
    default: pass(VECTORS, __VA_ARGS__); break;    \
  }

TARGET void fst_low_rank_fold(
    fst_low_rank_shape s, const float *gradients, float *errors, const float *down,
    float *across) {
  memset(across, 0, s.rank * s.columns * sizeof *across);
  WITH_VECTORS(s.rank, 0, fold, true, s, gradients, errors, down, across)
  for (size_t k = VECTORS; k < s.rank; k += VECTORS)
    WITH_VECTORS(
        s.rank, k, fold, false, s, gradients, errors, down + k * s.rows, across + k * s.columns)
}

TARGET void fst_low_rank_project(
    fst_low_rank_shape s, const float *matrix, const float *across, float *down) {
  for (size_t k = 0; k < s.rank; k += VECTORS)
    WITH_VECTORS(s.rank, k, project, s, matrix, across + k * s.columns, down + k * s.rows)
}

TARGET void fst_low_rank_rebuild(
    fst_low_rank_shape s, const float *across, const float *summed, const float *own,
    float *gradients, float *errors) {
  if (s.rank <= VECTORS)
    WITH_VECTORS(s.rank, 0, rebuild, false, true, s, across, summed, own, gradients, errors)
  else
    rebuild(VECTORS, false, false, s, across, summed, own, gradients, errors);
  for (size_t k = VECTORS; k < s.rank; k += VECTORS)
    WITH_VECTORS(
        s.rank, k, rebuild, true, k + VECTORS >= s.rank, s, across + k * s.columns,
        summed + k * s.rows, own + k * s.rows, gradients, errors)
}

static double product(const float *a, const float *b, size_t count) {
  double sum = 0;
  for (size_t j = 0; j < count; j++) sum += (double)a[j] * b[j];
  return sum;
}

void fst_low_rank_orthonormalize(float *vectors, size_t rank, size_t count, uint64_t seed) {
  for (size_t k = 0; k < rank; k++) {
    float *vector = vectors + k * count;
    double before = sqrt(product(vector, vector, count)), first = before;
    while (true) {
      if (!(before > 0 && before <= DBL_MAX)) {
        fst_low_rank_draw(vector, count, seed++);
        first = before = sqrt(product(vector, vector, count));
      }
      // Numbers near the smallest there are would lose what is taken away.
      if (before < 1e-30) {
        for (size_t j = 0; j < count; j++) vector[j] = (float)(vector[j] / before);
        first /= before;
        before = 1;
      }
      for (size_t l = 0; l < k; l++) {
        const float *other = vectors + l * count;
        double share = product(vector, other, count);
        for (size_t j = 0; j < count; j++) vector[j] = (float)(vector[j] - share * other[j]);
      }
      double after = sqrt(product(vector, vector, count));
      // Where much was taken away, rounding weighs more in what is left: that is done again.
      if (after > before / 2) {
        for (size_t j = 0; j < count; j++) vector[j] = (float)(vector[j] / after);
        break;
      }
      // What rounding alone has left is no direction of its own: another is drawn.
      before = after > 1e-6 * first ? after : 0;
    }
  }
}

void fst_low_rank_draw(float *values, size_t count, uint64_t seed) {
  for (size_t i = 0; i < count; i++) {
    // SplitMix64 (Steele, Lea, Flood 2014); its four parts' sum is nearly normal, and exact.
    uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    int32_t sum = (z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48);
    values[i] = (float)(sum - 2 * 0xffff) * 0x1p-15f;
  }
}
