#include "mpi_shim.h"
#include <mpi.h>
int fst_mpi_placeholder(void) { return MPI_SUCCESS; }
