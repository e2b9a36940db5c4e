// What Swift's view of the C library leaves out of the system's calls on files.
#ifndef FST_FILE_SHIM_H
#define FST_FILE_SHIM_H

// Lets two names change places in one step; 0 where that was done, else an errno. Systems and file
// systems that cannot do it answer ENOSYS or EINVAL.
int fst_exchange(const char *first, const char *second);

#endif
