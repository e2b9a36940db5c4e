// Starting a process that outlives this one, which needs extensions of the C library that Swift does not
// see.
#ifndef FST_DETACHED_SHIM_H
#define FST_DETACHED_SHIM_H

// Starts `path` with `arguments` (ending in NULL) in a session of its own, its standard streams
// /dev/null and no other file of this process open. Returns 0 or an errno.
int fst_spawn_detached(const char *path, char *const arguments[]);

#endif
