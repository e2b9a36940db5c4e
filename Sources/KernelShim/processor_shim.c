#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "processor_shim.h"

// The kernel refuses a set that is smaller than its own, so larger ones are tried.
int32_t fst_usable_processors(void) {
  for (int size = 1024; size <= 1 << 20; size *= 4) {
    cpu_set_t *set = CPU_ALLOC(size);
    if (!set) return -1;
    size_t bytes = CPU_ALLOC_SIZE(size);
    int failed = sched_getaffinity(0, bytes, set);
    int32_t count = failed ? -1 : CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    if (!failed) return count;
  }
  return -1;
}
