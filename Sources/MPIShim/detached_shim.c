#define _GNU_SOURCE
#include "detached_shim.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

int fst_spawn_detached(const char *path, char *const arguments[]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int status = posix_spawn_file_actions_init(&actions);
  if (status != 0) return status;
  for (int descriptor = 0; descriptor < 3 && status == 0; descriptor++) {
    status = posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0);
  }
  if (status == 0) status = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (status == 0) {
    status = posix_spawnattr_init(&attributes);
    if (status == 0) {
      pid_t process;
      status = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
      if (status == 0) status = posix_spawn(&process, path, &actions, &attributes, arguments, environ);
      posix_spawnattr_destroy(&attributes);
    }
  }
  posix_spawn_file_actions_destroy(&actions);
  return status;
}
