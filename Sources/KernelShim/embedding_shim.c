#include "embedding_shim.h"

#include "vectors.h"

typedef float pair __attribute__((vector_size(8), aligned(4)));
typedef float two_pairs __attribute__((vector_size(16)));
typedef int32_t int_lanes __attribute__((vector_size(32)));

BASELINE void fst_embedding_repulsion(const float *x, const float *y, const fst_interactions *entries,
                             float *sum_x, float *sum_y, float *sum_q) {
  const lanes x1 = load(x), x2 = load(x + 8), y1 = load(y), y2 = load(y + 8);
  lanes fx1 = {0}, fx2 = {0}, fy1 = {0}, fy2 = {0}, q1 = {0}, q2 = {0};
  for (ptrdiff_t i = 0; i < entries->count; i++) {
    const float mass = entries->mass[i];
    const lanes dx1 = x1 - entries->x[i], dx2 = x2 - entries->x[i];
    const lanes dy1 = y1 - entries->y[i], dy2 = y2 - entries->y[i];
    const lanes a = dy1 * dy1 + (dx1 * dx1 + 1.0f), b = dy2 * dy2 + (dx2 * dx2 + 1.0f);
    // One division for two, 1/a = b / ab: dividing is the slowest of these operations.
    const lanes both = 1.0f / (a * b);
    const lanes near1 = b * both, near2 = a * both;
    const lanes m1 = mass * near1, m2 = mass * near2;
    const lanes f1 = m1 * near1, f2 = m2 * near2;
    q1 += m1;
    q2 += m2;
    fx1 += f1 * dx1;
    fx2 += f2 * dx2;
    fy1 += f1 * dy1;
    fy2 += f2 * dy2;
  }
  *(lanes *)sum_x = fx1;
  *(lanes *)(sum_x + 8) = fx2;
  *(lanes *)sum_y = fy1;
  *(lanes *)(sum_y + 8) = fy2;
  *(lanes *)sum_q = q1;
  *(lanes *)(sum_q + 8) = q2;
}

INLINED pair place(const float *places, int32_t column) {
  return *(const pair *)(places + 2 * (ptrdiff_t)column);
}

// Two places side by side.
INLINED two_pairs join(pair a, pair b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3); }

INLINED float total(lanes v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

typedef struct {
  lanes x, y;
} differences;

// From the places of eight entries' columns to `own`.
INLINED differences from_columns(const float *places, const float *own, const int32_t *c) {
  const two_pairs a = join(place(places, c[0]), place(places, c[1]));
  const two_pairs b = join(place(places, c[2]), place(places, c[3]));
  const two_pairs d = join(place(places, c[4]), place(places, c[5]));
  const two_pairs e = join(place(places, c[6]), place(places, c[7]));
  const lanes first = __builtin_shufflevector(a, d, 0, 1, 2, 3, 4, 5, 6, 7);
  const lanes second = __builtin_shufflevector(b, e, 0, 1, 2, 3, 4, 5, 6, 7);
  // Entries in their order, by shuffles within 128 bits.
  return (differences){
      own[0] - __builtin_shufflevector(first, second, 0, 2, 8, 10, 4, 6, 12, 14),
      own[1] - __builtin_shufflevector(first, second, 1, 3, 9, 11, 5, 7, 13, 15),
  };
}

// 1 + the squared distance.
INLINED lanes inverse_nearness(differences d) { return d.y * d.y + (d.x * d.x + 1.0f); }

BASELINE void fst_embedding_attraction(const float *places, const float *own,
                                       const int32_t *columns, const float *p, ptrdiff_t begin,
                                       ptrdiff_t end, float *sum) {
  lanes fx = {0}, fy = {0};
  for (ptrdiff_t i = begin; i < end; i += 8) {
    const differences d = from_columns(places, own, columns + i);
    const lanes weight = load(p + i) / inverse_nearness(d);
    fx += weight * d.x;
    fy += weight * d.y;
  }
  sum[0] = total(fx);
  sum[1] = total(fy);
}

// The logarithm of finite numbers from 1 on, to about one unit in the last place: with w = 2^e m and
// m in [2/3, 4/3), e log 2 + 2 artanh((m - 1) / (m + 1)), whose series in s = (m - 1) / (m + 1) is cut
// where |s| <= 1/5 makes the rest 1e-8 of it.
INLINED lanes logarithm(lanes w) {
  const int32_t two_thirds = 0x3f2aaaab, mantissa = 0x7fffff;
  const int_lanes bits = (int_lanes)w - two_thirds;
  const lanes e = __builtin_convertvector(bits >> 23, lanes);
  const lanes m = (lanes)((bits & mantissa) + two_thirds);
  const lanes s = (m - 1.0f) / (m + 1.0f), z = s * s;
  lanes series = z * (2.0f / 11) + 2.0f / 9;
  series = series * z + 2.0f / 7;
  series = series * z + 2.0f / 5;
  series = series * z + 2.0f / 3;
  series = series * z + 2.0f;
  return e * 0.693147181f + s * series;
}

BASELINE float fst_embedding_cross_entropy(const float *places, const float *own,
                                           const int32_t *columns, const float *p,
                                           ptrdiff_t begin, ptrdiff_t end) {
  lanes sum = {0};
  for (ptrdiff_t i = begin; i < end; i += 8)
    sum += load(p + i) * logarithm(inverse_nearness(from_columns(places, own, columns + i)));
  return total(sum);
}
