// The innermost loops of t-SNE's forces, in plain C vectors: written in Swift a gradient took more
// than twice as long, since the compiler packed scalars and unpacked them again.
#ifndef FST_EMBEDDING_SHIM_H
#define FST_EMBEDDING_SHIM_H

#include <stddef.h>
#include <stdint.h>

// Points or squares that act on others: places and masses.
typedef struct {
  const float *x, *y, *mass;
  ptrdiff_t count;
} fst_interactions;

// For each of 16 points at (x, y), over all entries: sums of m q² (x - x'), m q² (y - y') and m q,
// with q = 1 / (1 + (x - x')² + (y - y')²). All arrays hold 16 floats.
void fst_embedding_repulsion(const float *x, const float *y, const fst_interactions *entries,
                             float *sum_x, float *sum_y, float *sum_q);

// Sums over entries `begin` to `end`, a multiple of eight, of p q (x - x'), p q (y - y'), with x' the
// place of the entry's column; writes two floats. `places` and `own` are pairs (x, y).
void fst_embedding_attraction(const float *places, const float *own, const int32_t *columns,
                              const float *p, ptrdiff_t begin, ptrdiff_t end, float *sum);

// Sum over the same entries of p log(1 + (x - x')² + (y - y')²).
float fst_embedding_cross_entropy(const float *places, const float *own, const int32_t *columns,
                                  const float *p, ptrdiff_t begin, ptrdiff_t end);

#endif
