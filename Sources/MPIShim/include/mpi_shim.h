// One C function per MPI call, so that Swift never sees mpi.h: its constants are macros and addresses
// that differ between implementations. Each function returns MPI's own status, 0 for success; counts
// are MPI's int. All collectives run over MPI_COMM_WORLD. So do notes, messages without content: they
// pass by a collective that hangs, as all messages between two ranks do.
#ifndef FST_MPI_SHIM_H
#define FST_MPI_SHIM_H
#include <stdint.h>

#include "detached_shim.h"
#include "memory_shim.h"

// MPI_Initialized: whether MPI_Init was called in this process.
int fst_mpi_initialized(int *flag);
// MPI_Init_thread, asking for MPI_THREAD_FUNNELED, then MPI_Comm_set_errhandler(MPI_ERRORS_RETURN).
int fst_mpi_init_funneled(int *has_funneled);
// MPI_Finalize.
int fst_mpi_finalize(void);
// MPI_Abort.
int fst_mpi_abort(int exit_code);

// MPI_Comm_rank and MPI_Comm_size.
int fst_mpi_rank(int *rank);
int fst_mpi_size(int *size);

// MPI_MAX_PROCESSOR_NAME and MPI_Get_processor_name; `name` holds at least the former.
int fst_mpi_max_host_name(void);
int fst_mpi_host_name(char *name, int *length);
// MPI_MAX_ERROR_STRING and MPI_Error_string; `text` holds at least the former.
int fst_mpi_max_error_string(void);
int fst_mpi_error_string(int status, char *text, int *length);

// MPI_Allreduce in place.
int fst_mpi_allreduce_sum_float(float *values, int count);
int fst_mpi_allreduce_sum_double(double *values, int count);
int fst_mpi_allreduce_sum_int64(int64_t *values, int count);
int fst_mpi_allreduce_max_int64(int64_t *values, int count);

// MPI_Bcast of bytes.
int fst_mpi_bcast(void *bytes, int count, int root);
// MPI_Allgather of one int64 from each rank.
int fst_mpi_allgather_int64(int64_t value, int64_t *values);
// MPI_Allgatherv of bytes.
int fst_mpi_allgatherv(
    const void *bytes, int count, void *all, const int *counts, const int *displacements);
// MPI_Allgatherv of bytes in place: each rank's own stand where `all` is to have them.
int fst_mpi_allgatherv_in_place(void *all, const int *counts, const int *displacements);
// MPI_Alltoallv of bytes.
int fst_mpi_alltoallv(
    const void *sent, const int *sent_counts, const int *sent_displacements, void *received,
    const int *received_counts, const int *received_displacements);
// MPI_Barrier.
int fst_mpi_barrier(void);

// MPI_MAX_LIBRARY_VERSION_STRING and MPI_Get_library_version; `text` holds at least the former.
int fst_mpi_max_library_version(void);
int fst_mpi_library_version(char *text, int *length);
// MPI_Sendrecv of as many bytes in both directions; `peer` calls it with this rank.
int fst_mpi_swap(const void *sent, void *received, int count, int peer);

// MPI_Isend of a note, without waiting for its end; `tag` says what it means, and is not 0.
int fst_mpi_send_note(int rank, int tag);
// MPI_Iprobe for a note of this meaning and MPI_Recv of it; `flag` says whether there was one.
int fst_mpi_poll_note(int tag, int *flag, int *source);

#endif
