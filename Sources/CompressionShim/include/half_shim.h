// Half-precision numbers (IEEE 754 binary16) as their bits, since Swift has no Float16 on x86-64 Linux.
//
// Rounding is to the nearest half, ties to even. A finite value beyond the largest half, 65504, becomes
// that one; infinities and NaN stay what they are.
#ifndef FST_HALF_SHIM_H
#define FST_HALF_SHIM_H
#include <stddef.h>
#include <stdint.h>

// One number each way.
uint16_t fst_half_from_float(float value);
float fst_half_to_float(uint16_t half);
// The same without a half type: for compilers that have none, and to compare the others with.
uint16_t fst_half_from_float_bitwise(float value);
float fst_half_to_float_bitwise(uint16_t half);

// halves[i] is values[i] + errors[i] rounded; errors[i] is then what that lost, 0 if not finite.
void fst_half_compress(const float *values, float *errors, uint16_t *halves, size_t count);
// halves[i] is sums[i] rounded; what that lost is added to errors[i], nothing if not finite.
void fst_half_round_sums(const float *sums, float *errors, uint16_t *halves, size_t count);
// values[i] is halves[i].
void fst_half_expand(const uint16_t *halves, float *values, size_t count);
// Adds halves[i] to sums[i].
void fst_half_add(const uint16_t *halves, float *sums, size_t count);

#endif
