#include "mpi_shim.h"

#include <mpi.h>

int fst_mpi_initialized(int *flag) { return MPI_Initialized(flag); }

int fst_mpi_init_funneled(int *has_funneled) {
  int provided = MPI_THREAD_SINGLE;
  int status = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  *has_funneled = provided >= MPI_THREAD_FUNNELED;
  if (status == MPI_SUCCESS) status = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  return status;
}

int fst_mpi_finalize(void) { return MPI_Finalize(); }

int fst_mpi_abort(int exit_code) { return MPI_Abort(MPI_COMM_WORLD, exit_code); }

int fst_mpi_rank(int *rank) { return MPI_Comm_rank(MPI_COMM_WORLD, rank); }

int fst_mpi_size(int *size) { return MPI_Comm_size(MPI_COMM_WORLD, size); }

int fst_mpi_max_host_name(void) { return MPI_MAX_PROCESSOR_NAME; }

int fst_mpi_host_name(char *name, int *length) { return MPI_Get_processor_name(name, length); }

int fst_mpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }

int fst_mpi_error_string(int status, char *text, int *length) {
  return MPI_Error_string(status, text, length);
}

int fst_mpi_allreduce_sum_float(float *values, int count) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

int fst_mpi_allreduce_sum_double(double *values, int count) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

int fst_mpi_allreduce_sum_int64(int64_t *values, int count) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
}

int fst_mpi_allreduce_max_int64(int64_t *values, int count) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
}

int fst_mpi_bcast(void *bytes, int count, int root) {
  return MPI_Bcast(bytes, count, MPI_BYTE, root, MPI_COMM_WORLD);
}

int fst_mpi_allgather_int64(int64_t value, int64_t *values) {
  return MPI_Allgather(&value, 1, MPI_INT64_T, values, 1, MPI_INT64_T, MPI_COMM_WORLD);
}

int fst_mpi_allgatherv(
    const void *bytes, int count, void *all, const int *counts, const int *displacements) {
  return MPI_Allgatherv(
      bytes, count, MPI_BYTE, all, counts, displacements, MPI_BYTE, MPI_COMM_WORLD);
}

int fst_mpi_allgatherv_in_place(void *all, const int *counts, const int *displacements) {
  return MPI_Allgatherv(
      MPI_IN_PLACE, 0, MPI_BYTE, all, counts, displacements, MPI_BYTE, MPI_COMM_WORLD);
}

int fst_mpi_alltoallv(
    const void *sent, const int *sent_counts, const int *sent_displacements, void *received,
    const int *received_counts, const int *received_displacements) {
  return MPI_Alltoallv(
      sent, sent_counts, sent_displacements, MPI_BYTE, received, received_counts,
      received_displacements, MPI_BYTE, MPI_COMM_WORLD);
}

int fst_mpi_barrier(void) { return MPI_Barrier(MPI_COMM_WORLD); }

int fst_mpi_max_library_version(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }

int fst_mpi_library_version(char *text, int *length) {
  return MPI_Get_library_version(text, length);
}

int fst_mpi_swap(const void *sent, void *received, int count, int peer) {
  return MPI_Sendrecv(
      sent, count, MPI_BYTE, peer, 0, received, count, MPI_BYTE, peer, 0, MPI_COMM_WORLD,
      MPI_STATUS_IGNORE);
}

int fst_mpi_send_note(int rank, int tag) {
  MPI_Request request;
  int status = MPI_Isend(NULL, 0, MPI_BYTE, rank, tag, MPI_COMM_WORLD, &request);
  return status == MPI_SUCCESS ? MPI_Request_free(&request) : status;
}

int fst_mpi_poll_note(int tag, int *flag, int *source) {
  MPI_Status found;
  int status = MPI_Iprobe(MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, flag, &found);
  if (status != MPI_SUCCESS || !*flag) return status;
  *source = found.MPI_SOURCE;
  return MPI_Recv(NULL, 0, MPI_BYTE, *source, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}
