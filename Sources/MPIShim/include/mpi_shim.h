int fst_mpi_placeholder(void);
