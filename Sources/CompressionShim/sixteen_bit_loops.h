// The loops over numbers of one 16-bit format, included once for each. Before it are defined:
// NAME(f), this format's name of f; TARGET, the processor that it is compiled for, or nothing; and
// NAME(rounded)(value) and NAME(expanded)(bits), one number each way.

// What `value` loses as `bits`; 0 where `value` is not finite, or it would come back at every step.
TARGET static inline float NAME(lost)(float value, uint16_t bits) {
  float difference = value - NAME(expanded)(bits);
  return fabsf(value) <= FLT_MAX ? difference : 0;
}

TARGET void NAME(compress)(
    const float *restrict values, float *restrict errors, uint16_t *restrict bits, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float value = values[i] + errors[i];
    bits[i] = NAME(rounded)(value);
    errors[i] = NAME(lost)(value, bits[i]);
  }
}

TARGET void NAME(round_sums)(
    const float *restrict sums, float *restrict errors, uint16_t *restrict bits, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bits[i] = NAME(rounded)(sums[i]);
    errors[i] += NAME(lost)(sums[i], bits[i]);
  }
}

TARGET void NAME(expand)(const uint16_t *restrict bits, float *restrict values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = NAME(expanded)(bits[i]);
}

TARGET void NAME(add)(const uint16_t *restrict bits, float *restrict sums, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i] += NAME(expanded)(bits[i]);
}
