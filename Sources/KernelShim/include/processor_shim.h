// How many processors this process may run on.
#ifndef FST_PROCESSOR_SHIM_H
#define FST_PROCESSOR_SHIM_H

#include <stdint.h>

// The number of processors in the affinity mask of the calling thread; -1 where it cannot be told.
int32_t fst_usable_processors(void);

#endif
