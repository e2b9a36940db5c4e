#include "half_shim.h"

#include <float.h>
#include <math.h>
#include <string.h>

// F16C is part of x86-64-v3, the baseline of the rest; with it the loops below become vector code.
#if defined(__x86_64__)
#define HALF_CODE __attribute__((target("avx2,f16c")))
#else
#define HALF_CODE
#endif

static const float largest = 65504;

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint16_t fst_half_from_float_bitwise(float value) {
  uint32_t sign = bits_of(value) >> 16 & 0x8000;
  uint32_t magnitude = bits_of(value) & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
  if (magnitude == 0x7f800000) return (uint16_t)(sign | 0x7c00);
  if (magnitude >= bits_of(largest)) return (uint16_t)(sign | 0x7bff);
  // Below 2^-14 halves are multiples of 2^-24, and so are floats from a half to one: adding rounds.
  if (magnitude < 0x38800000) {
    return (uint16_t)(sign | (bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f)));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

float fst_half_to_float_bitwise(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = half >> 10 & 31, mantissa = half & 0x3ff;
  if (exponent == 0) return float_of(sign | bits_of((float)mantissa * 0x1p-24f));
  if (exponent == 31) {
    return float_of(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
  }
  return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

#if defined(__FLT16_MAX__)

HALF_CODE static inline uint16_t rounded(float value) {
  float clamped = value > largest ? largest : value < -largest ? -largest : value;
  _Float16 half = (_Float16)(fabsf(value) <= FLT_MAX ? clamped : value);
  uint16_t bits;
  memcpy(&bits, &half, sizeof bits);
  return bits;
}

HALF_CODE static inline float expanded(uint16_t bits) {
  _Float16 half;
  memcpy(&half, &bits, sizeof half);
  return (float)half;
}

#else

static inline uint16_t rounded(float value) { return fst_half_from_float_bitwise(value); }

static inline float expanded(uint16_t bits) { return fst_half_to_float_bitwise(bits); }

#endif

HALF_CODE uint16_t fst_half_from_float(float value) { return rounded(value); }

HALF_CODE float fst_half_to_float(uint16_t half) { return expanded(half); }

// What `value` loses as `half`; 0 where `value` is not finite, or it would come back at every step.
HALF_CODE static inline float lost(float value, uint16_t half) {
  float difference = value - expanded(half);
  return fabsf(value) <= FLT_MAX ? difference : 0;
}

HALF_CODE void fst_half_compress(
    const float *restrict values, float *restrict errors, uint16_t *restrict halves, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float value = values[i] + errors[i];
    halves[i] = rounded(value);
    errors[i] = lost(value, halves[i]);
  }
}

HALF_CODE void fst_half_round_sums(
    const float *restrict sums, float *restrict errors, uint16_t *restrict halves, size_t count) {
  for (size_t i = 0; i < count; i++) {
    halves[i] = rounded(sums[i]);
    errors[i] += lost(sums[i], halves[i]);
  }
}

HALF_CODE void fst_half_expand(
    const uint16_t *restrict halves, float *restrict values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = expanded(halves[i]);
}

HALF_CODE void fst_half_add(const uint16_t *restrict halves, float *restrict sums, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i] += expanded(halves[i]);
}
