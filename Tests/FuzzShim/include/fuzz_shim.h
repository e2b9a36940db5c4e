// libFuzzer's driver, which the compiler links in with -sanitize=fuzzer.
#ifndef FST_FUZZ_SHIM_H
#define FST_FUZZ_SHIM_H
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
