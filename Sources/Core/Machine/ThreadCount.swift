import Foundation

/// How many threads a rank computes with.
public enum ThreadCount {
  /// `requested`, else `OMP_NUM_THREADS`, else this rank's share of the processors it may use.
  public static func resolve(
    requested: Int?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Int {
    resolve(requested: requested, environment: environment, processors: .current)
  }

  /// The same, of `processors`.
  ///
  /// A launcher that binds ranks leaves each a smaller set of processors, which is then its own;
  /// without binding the ranks of a host share the set evenly. The container's quota is always
  /// shared.
  package static func resolve(
    requested: Int?, environment: [String: String], processors: Processors
  ) -> Int {
    if let requested { return max(requested, 1) }
    if let text = environment["OMP_NUM_THREADS"], let count = Int(text), count > 0 { return count }
    let ranks = ranksOnThisHost(environment)
    let shared = max(processors.usable / ranks, 1)
    guard processors.areOwn(environment) else { return shared }
    guard let quota = processors.quota else { return max(processors.allowed.count, 1) }
    return min(max(processors.allowed.count, 1), max(Int(quota.rounded(.up)) / ranks, 1))
  }

  /// The ranks that this one shares its host with, itself among them.
  package static func ranksOnThisHost(_ environment: [String: String]) -> Int {
    for name in ["OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_LOCAL_SIZE"] {
      if let count = environment[name].flatMap({ Int($0) }), count > 0 { return count }
    }
    // Slurm's variables stand in every shell of an allocation too, where no ranks run.
    guard environment["PMIX_RANK"] != nil, let list = environment["SLURM_STEP_TASKS_PER_NODE"]
    else { return 1 }
    let node = environment["SLURM_NODEID"].flatMap { Int($0) } ?? 0
    return tasks(ofNode: node, in: list) ?? 1
  }

  /// The tasks of a node in Slurm's list of counts, such as `4(x2),1` for three nodes.
  private static func tasks(ofNode node: Int, in list: String) -> Int? {
    var passed = 0
    for part in list.split(separator: ",") {
      let numbers = part.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
      guard let count = numbers.first, count > 0 else { return nil }
      let nodes = numbers.count > 1 ? numbers[1] : 1
      if node - passed < nodes { return count }
      passed += nodes
    }
    return nil
  }
}
