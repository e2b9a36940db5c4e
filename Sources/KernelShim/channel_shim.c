#include "channel_shim.h"

#include <stdint.h>

#include "vectors.h"

typedef int32_t mask __attribute__((vector_size(32)));
typedef double doubles __attribute__((vector_size(64), aligned(8)));

// Half of the channels are 256 bits, which the compiler keeps in one register.
enum { HALVES = 2, WIDTH = 8, READ = 0, WRITE = 1, KEEP = 3 };

INLINED void store(float *p, lanes value) { *(lanes *)p = value; }
INLINED lanes kept(lanes value, mask where) { return (lanes)((mask)value & where); }

INLINED void add(double *sums, lanes value) {
  *(doubles *)sums += __builtin_convertvector(value, doubles);
}

INLINED void normalize(fst_channel_block block, const float *x, fst_channel_affine affine,
                       const float *residual, fst_channel_affine residual_affine, bool is_mapped,
                       bool relu, float *y) {
  lanes scale[HALVES], shift[HALVES], residual_scale[HALVES], residual_shift[HALVES];
  for (int h = 0; h < HALVES; h++) {
    scale[h] = load(affine.scale + h * WIDTH);
    shift[h] = load(affine.shift + h * WIDTH);
    if (!is_mapped) continue;
    residual_scale[h] = load(residual_affine.scale + h * WIDTH);
    residual_shift[h] = load(residual_affine.shift + h * WIDTH);
  }
  for (ptrdiff_t row = 0; row < block.rows; row++) {
    const ptrdiff_t place = row * block.stride;
    __builtin_prefetch(x + place + block.ahead, READ, KEEP);
    if (residual) __builtin_prefetch(residual + place + block.ahead, READ, KEEP);
    if (y != x) __builtin_prefetch(y + place + block.ahead, WRITE, KEEP);
    for (int h = 0; h < HALVES; h++) {
      lanes value = scale[h] * load(x + place + h * WIDTH) + shift[h];
      if (residual) {
        const lanes other = load(residual + place + h * WIDTH);
        value += is_mapped ? residual_scale[h] * other + residual_shift[h] : other;
      }
      // A NaN stays one.
      store(y + place + h * WIDTH, relu ? kept(value, ~(value < 0)) : value);
    }
  }
}

BASELINE void fst_channel_normalize(fst_channel_block block, const float *x,
                                    fst_channel_affine affine, const float *residual,
                                    fst_channel_affine residual_affine, bool relu, float *y) {
  if (!residual)
    normalize(block, x, affine, NULL, residual_affine, false, relu, y);
  else if (residual_affine.scale)
    normalize(block, x, affine, residual, residual_affine, true, relu, y);
  else
    normalize(block, x, affine, residual, residual_affine, false, relu, y);
}

typedef enum { EVERYWHERE, BY_OUTPUT, BY_MAP } passing;

INLINED void mask_and_sum(fst_channel_block block, float *gradient, const float *x,
                          const float *mean, passing passes, const float *output,
                          fst_channel_affine affine, double *gradient_sum, double *product_sum) {
  lanes first[HALVES], second[HALVES], centre[HALVES], scale[HALVES], shift[HALVES];
  for (int h = 0; h < HALVES; h++) {
    first[h] = second[h] = (lanes){0};
    centre[h] = load(mean + h * WIDTH);
    if (passes != BY_MAP) continue;
    scale[h] = load(affine.scale + h * WIDTH);
    shift[h] = load(affine.shift + h * WIDTH);
  }
  for (ptrdiff_t row = 0; row < block.rows; row++) {
    const ptrdiff_t place = row * block.stride;
    __builtin_prefetch(x + place + block.ahead, READ, KEEP);
    if (passes == BY_OUTPUT) __builtin_prefetch(output + place + block.ahead, READ, KEEP);
    for (int h = 0; h < HALVES; h++) {
      const lanes other = load(x + place + h * WIDTH);
      lanes value = load(gradient + place + h * WIDTH);
      if (passes == BY_OUTPUT) value = kept(value, load(output + place + h * WIDTH) > 0);
      if (passes == BY_MAP) value = kept(value, scale[h] * other + shift[h] > 0);
      if (passes != EVERYWHERE) store(gradient + place + h * WIDTH, value);
      first[h] += value;
      second[h] += value * (other - centre[h]);
    }
  }
  for (int h = 0; h < HALVES; h++) {
    add(gradient_sum + h * WIDTH, first[h]);
    add(product_sum + h * WIDTH, second[h]);
  }
}

BASELINE void fst_channel_mask_and_sum(fst_channel_block block, float *gradient, const float *x,
                                       const float *mean, const float *output,
                                       fst_channel_affine affine, double *gradient_sum,
                                       double *product_sum) {
  if (output)
    mask_and_sum(block, gradient, x, mean, BY_OUTPUT, output, affine, gradient_sum, product_sum);
  else if (affine.scale)
    mask_and_sum(block, gradient, x, mean, BY_MAP, output, affine, gradient_sum, product_sum);
  else
    mask_and_sum(block, gradient, x, mean, EVERYWHERE, output, affine, gradient_sum, product_sum);
}
