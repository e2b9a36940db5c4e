#include "fuzz_shim.h"
