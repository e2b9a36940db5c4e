// The one way in which the shims put an error into the caller's buffer.
#ifndef FST_SHIM_ERROR_H
#define FST_SHIM_ERROR_H

#include <stdio.h>

#define fst_shim_error(buffer, size, ...) ((void)snprintf((buffer), (size), __VA_ARGS__))

#endif
