import Foundation

/// How many threads a rank computes with.
public enum ThreadCount {
  /// `requested`, else `OMP_NUM_THREADS`, else this rank's share of the processors it may run on.
  ///
  /// A launcher that binds ranks leaves each a smaller set of processors, which is then its own;
  /// without binding the ranks of a host share the set evenly.
  public static func resolve(
    requested: Int?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Int {
    if let requested { return max(requested, 1) }
    if let text = environment["OMP_NUM_THREADS"], let count = Int(text), count > 0 { return count }
    let usable = ProcessInfo.processInfo.activeProcessorCount  // the affinity mask's
    let isBound = usable < ProcessInfo.processInfo.processorCount
    let sharing = isBound ? 1 : ranksOnThisHost(environment)
    return max(usable / sharing, 1)
  }

  private static func ranksOnThisHost(_ environment: [String: String]) -> Int {
    let names = ["OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE"]
    return names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first { $0 > 0 } ?? 1
  }
}
