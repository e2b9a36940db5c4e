// Numbers of the format bfloat16 as their bits: a float's upper half, its range with 8 bits of precision.
//
// Rounding is to the nearest one, ties to even. A finite value that would round beyond the largest,
// 0x1.fep127, becomes that one; infinities and NaN stay what they are.
#ifndef FST_BFLOAT_SHIM_H
#define FST_BFLOAT_SHIM_H
#include <stddef.h>
#include <stdint.h>

// One number each way.
uint16_t fst_bfloat_from_float(float value);
float fst_bfloat_to_float(uint16_t bits);

// The loops of half_shim.h, for this format.
void fst_bfloat_compress(const float *values, float *errors, uint16_t *bits, size_t count);
void fst_bfloat_round_sums(const float *sums, float *errors, uint16_t *bits, size_t count);
void fst_bfloat_expand(const uint16_t *bits, float *values, size_t count);
void fst_bfloat_add(const uint16_t *bits, float *sums, size_t count);

#endif
