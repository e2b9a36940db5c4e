#define _GNU_SOURCE
#include "memory_shim.h"

#include <sys/uio.h>
#include <unistd.h>

int fst_may_read_processes(void) {
#ifdef __linux__
  char from = 1, to = 0;
  struct iovec local = {&to, 1}, remote = {&from, 1};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
#else
  return 1;
#endif
}
