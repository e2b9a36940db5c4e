#include "bfloat_shim.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2")))
#else
#define TARGET
#endif
#define NAME(f) fst_bfloat_##f

// Whole numbers and no branches, so that the loops become vector code.
TARGET static inline uint16_t fst_bfloat_rounded(float value) {
  const uint32_t infinity = 0x7f800000, largest = 0x7f7f0000;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t magnitude = bits & 0x7fffffff;
  uint32_t nearest = magnitude + 0x7fff + (magnitude >> 16 & 1);
  uint32_t finite = nearest < infinity ? nearest : largest;
  uint32_t other = magnitude > infinity ? magnitude | 0x400000 : infinity;
  return (uint16_t)((bits >> 31 << 15) | (magnitude < infinity ? finite : other) >> 16);
}

TARGET static inline float fst_bfloat_expanded(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

uint16_t fst_bfloat_from_float(float value) { return fst_bfloat_rounded(value); }

float fst_bfloat_to_float(uint16_t bits) { return fst_bfloat_expanded(bits); }

#include "sixteen_bit_loops.h"
