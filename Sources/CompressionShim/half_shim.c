#include "half_shim.h"

#include <float.h>
#include <math.h>
#include <string.h>

// F16C is part of x86-64-v3, the baseline of the rest; with it the loops below become vector code.
#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,f16c")))
#else
#define TARGET
#endif
#define NAME(f) fst_half_##f

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

TARGET static inline uint16_t fst_half_rounded(float value) {
  float clamped = value > largest ? largest : value < -largest ? -largest : value;
  _Float16 half = (_Float16)(fabsf(value) <= FLT_MAX ? clamped : value);
  uint16_t bits;
  memcpy(&bits, &half, sizeof bits);
  return bits;
}

TARGET static inline float fst_half_expanded(uint16_t bits) {
  _Float16 half;
  memcpy(&half, &bits, sizeof half);
  return (float)half;
}

#else

static inline uint16_t fst_half_rounded(float value) { return fst_half_from_float_bitwise(value); }

static inline float fst_half_expanded(uint16_t bits) { return fst_half_to_float_bitwise(bits); }

#endif

TARGET uint16_t fst_half_from_float(float value) { return fst_half_rounded(value); }

TARGET float fst_half_to_float(uint16_t half) { return fst_half_expanded(half); }

#include "sixteen_bit_loops.h"
