import Foundation

/// What the shell's limits leave this process, where libraries would fall over it without a word.
enum Limits {
  /// Open files that Dispatch, Foundation and the program's own need at the least.
  private static let leastFiles: rlim_t = 16

  /// Ends with one line, or starts the program again with less to ask for, where a limit is low.
  static func prepare() {
    requireFiles()
    spareAddressSpace()
  }

  /// Foundation ends the process by a trap where its first descriptor is refused.
  private static func requireFiles() {
    var limit = rlimit()
    guard getrlimit(.init(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < leastFiles
    else { return }
    limit.rlim_cur = min(limit.rlim_max, 1024)
    if limit.rlim_cur >= leastFiles, setrlimit(.init(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      return
    }
    let line =
      "fst: the limit of open files (ulimit -n): expected at least \(leastFiles), found "
      + "\(limit.rlim_max)\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(ExitStatus.failure)
  }

  /// OpenBLAS starts a thread for each core before `main`, with memory for each, and waits for ever
  /// at the end for one that could not be started.
  ///
  /// The program gives it one thread a call anyway; the variable has to be there from the start, so
  /// under a limit of the address space the program takes its own place with it.
  private static func spareAddressSpace() {
    let variable = "OPENBLAS_NUM_THREADS"
    var limit = rlimit()
    guard getenv(variable) == nil, getrlimit(.init(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < rlim_t(Int64.max)
    else { return }
    setenv(variable, "1", 1)
    #if os(Linux)
      execv("/proc/self/exe", CommandLine.unsafeArgv)  // comes back only where it failed
    #endif
  }
}
