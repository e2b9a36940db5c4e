// Whether the system lets processes read each other's memory, as OpenMPI's ranks on one host do; the
// call is an extension of the C library that Swift does not see.
#ifndef FST_MEMORY_SHIM_H
#define FST_MEMORY_SHIM_H

// Tries it on this process itself: a container's filter denies the call whomever it is about.
int fst_may_read_processes(void);

#endif
