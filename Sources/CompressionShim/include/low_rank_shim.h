// The passes of PowerSGD over a matrix and its two thin factors, on one thread.
//
// A matrix of rows x columns floats lies row by row. The factor of its rows, `down`, lies as rank
// vectors of `rows` floats, one after the other, and that of its columns, `across`, as rank vectors of
// `columns` floats. Every sum is taken in an order that depends on the sizes alone.
#ifndef FST_LOW_RANK_SHIM_H
#define FST_LOW_RANK_SHIM_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
  size_t rows, columns, rank;
} fst_low_rank_shape;

// Adds the gradients to the errors, and multiplies the sum, M, with its rows' factor:
// across[k][j] = sum over i of M[i][j] * down[k][i].
void fst_low_rank_fold(
    fst_low_rank_shape shape, const float *gradients, float *errors, const float *down,
    float *across);
// down[k][i] = sum over j of M[i][j] * across[k][j].
void fst_low_rank_project(
    fst_low_rank_shape shape, const float *matrix, const float *across, float *down);
// gradients[i][j] = sum over k of summed[k][i] * across[k][j], and the errors, M so far, lose the
// same of `own`; an error that is not finite becomes 0.
void fst_low_rank_rebuild(
    fst_low_rank_shape shape, const float *across, const float *summed, const float *own,
    float *gradients, float *errors);

// Makes `rank` vectors of `count` floats orthonormal, in order. One that has nothing of its own, or
// nothing finite, is drawn anew by `seed`; there must be fewer vectors than floats in each.
void fst_low_rank_orthonormalize(float *vectors, size_t rank, size_t count, uint64_t seed);
// Fills `values` with nearly normal draws, the same on every machine.
void fst_low_rank_draw(float *values, size_t count, uint64_t seed);

#endif
