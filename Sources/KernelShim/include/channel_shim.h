// BatchNorm's passes over 16 neighbouring channels, in plain C vectors: written in Swift a mask was
// taken apart into four registers and passed on by memory.
#ifndef FST_CHANNEL_SHIM_H
#define FST_CHANNEL_SHIM_H

#include <stdbool.h>
#include <stddef.h>

// Channels that are computed together: one cache line.
enum { FST_CHANNEL_LANES = 16 };

// `rows` pixels, whose values lie `stride` floats apart; what is in memory is asked for `ahead`
// floats before it is read.
typedef struct {
  ptrdiff_t rows, stride, ahead;
} fst_channel_block;

// The map scale x + shift, each of 16 floats; null pointers stand for x itself.
typedef struct {
  const float *scale, *shift;
} fst_channel_affine;

// y = [max 0](scale x + shift [+ residual]); `residual` may be null, and `y` be `x`.
void fst_channel_normalize(fst_channel_block block, const float *x, fst_channel_affine affine,
                           const float *residual, fst_channel_affine residual_affine, bool relu,
                           float *y);

// gradient = gradient where a ReLU passes it on, else 0; gradient_sum += sum of it, product_sum +=
// sum of gradient (x - mean). The ReLU passes on where `output` is positive or, without that, scale
// x + shift; everywhere where both are null.
void fst_channel_mask_and_sum(fst_channel_block block, float *gradient, const float *x,
                              const float *mean, const float *output, fst_channel_affine affine,
                              double *gradient_sum, double *product_sum);

#endif
