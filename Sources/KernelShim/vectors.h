// Vectors of 256 bits for kernels that every x86-64-v3 processor, and any other machine, can run.
#ifndef FST_VECTORS_H
#define FST_VECTORS_H

#pragma STDC FP_CONTRACT ON

#if defined(__x86_64__)
#define BASELINE __attribute__((target("avx2,fma")))
#else
#define BASELINE
#endif
#define INLINED BASELINE static inline __attribute__((always_inline))

typedef float lanes __attribute__((vector_size(32), aligned(4)));

INLINED lanes load(const float *p) { return *(const lanes *)p; }

#endif
