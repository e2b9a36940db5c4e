import Core
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

  /// Throws where a limit of the address space leaves too little for `threads` that multiply.
  ///
  /// OpenBLAS takes 128 MiB for each thread at its first product, and asks again for ever where it
  /// gets none; a thread's stack and the allocator's arena for it come to 72 MiB, a small dataset
  /// with its model to less than 256.
  static func requireAddressSpace(threads: Int?) throws {
    var limit = rlimit()
    guard getrlimit(.init(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(Int64.max),
      let statistics = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = statistics.split(separator: " ").first.flatMap({ Int($0) })
    else { return }
    let count = ThreadCount.resolve(requested: threads)
    let expected = (pages * Int(getpagesize()) >> 10) + (count * 200 + 256) << 10
    let found = Int(limit.rlim_cur >> 10)
    guard found < expected else { return }
    throw TooLittleAddressSpace(expected: expected, found: found, threads: count)
  }
}

/// A limit of the address space under which the first product would wait for memory for ever.
struct TooLittleAddressSpace: Error, CustomStringConvertible {
  let expected: Int, found: Int, threads: Int

  var description: String {
    "the limit of the address space (ulimit -v): expected at least \(expected) KiB for "
      + "\(threads) thread\(threads == 1 ? "" : "s"), found \(found) KiB"
  }
}
