import Distributed

extension Doctor.Report {
  /// Something that should be otherwise, with what to do about it.
  public struct Problem: Equatable, Sendable {
    /// Whether runs fail, rather than being slow or unsafe.
    public var isBroken: Bool
    /// One line.
    public var text: String
  }

  /// All problems, those that break runs first.
  public var problems: [Problem] {
    let broken = ranks.compactMap(\.unjoined) + buildProblems + processorProblems + folderFailures
    let others =
      threadProblems + libraryProblems + folderProblems + clockProblems + memoryProblems
      + copyProblems + linkProblems
    return broken.map { Problem(isBroken: true, text: $0) }
      + others.map { Problem(isBroken: false, text: $0) }
  }

  private func name(_ rank: RankFacts) -> String { "rank \(rank.rank) (\(rank.host))" }

  private func names(_ ranks: [RankFacts]) -> String {
    let shown = ranks.prefix(4).map(name).joined(separator: ", ")
    return shown + (ranks.count > 4 ? " and \(ranks.count - 4) more" : "")
  }

  private var buildProblems: [String] {
    let otherBuild = ranks.filter { $0.build != ranks[0].build }
    let otherMPI = ranks.filter { $0.mpi != ranks[0].mpi }
    return [
      (otherBuild, "another program file than rank 0; install the same build on all hosts"),
      (otherMPI, "another MPI library than rank 0; install the same version on all hosts"),
    ].filter { !$0.0.isEmpty }.map { "\(names($0.0)): \($0.1)" }
  }

  private var processorProblems: [String] {
    let weak = ranks.filter { rank in
      !rank.vectorUnits.contains("NEON")
        && !["AVX2", "FMA"].allSatisfy(rank.vectorUnits.contains)
    }
    guard !weak.isEmpty else { return [] }
    return ["\(names(weak)): the processor has no AVX2 and FMA; use a host that does"]
  }

  private var folderFailures: [String] {
    var lines: [String] = []
    if let recordFailure {
      lines.append("--record: \(recordFailure); name a folder that rank 0 can write to")
    }
    let blind = ranks.filter { $0.seesData == false }
    if let datasetPath, !blind.isEmpty {
      lines.append("\(names(blind)): no folder \(datasetPath); copy or mount the data there")
    }
    return lines
  }

  /// Threads that have to share processors, by rank or by host.
  var threadProblems: [String] {
    let bound = ranks.filter(isBoundTooNarrowly)
    var lines: [String] = []
    if let first = bound.first {
      let (threads, cores) = (first.threads, first.usableCores.count)
      lines.append(
        "\(names(bound)): \(threads == 1 ? "" : "\(threads) threads, ")bound to "
          + "\(cores == 1 ? "one core" : "\(cores) cores") of \(first.cores); start mpirun with "
          + "--bind-to none, or with --map-by node:PE=n for n cores each")
    }
    for host in hosts where !bound.contains(where: { $0.host == host }) {
      let here = ranks.filter { $0.host == host }
      let threads = here.map(\.threads).reduce(0, +)
      let (cores, reason) = cores(of: here)
      if threads > cores {
        lines.append(
          "\(here.count == 1 ? name(here[0]) : "\(here.count) ranks on \(host)"): \(threads) "
            + "threads on \(cores) cores\(reason); give a smaller --threads, or start fewer ranks "
            + "there")
      }
    }
    return lines
  }

  /// Whether the launcher left a rank fewer cores than it has threads, or a single one.
  ///
  /// OpenMPI does the latter to up to two ranks of a host, where others' threads then have no core.
  /// More ranks with a core each that take the whole host are somebody's choice.
  private func isBoundTooNarrowly(_ rank: RankFacts) -> Bool {
    let here = ranks.filter { $0.host == rank.host }
    guard rank.isBound || ranks.count > 1 && rank.usableCores.count == 1 else { return false }
    if rank.threads > rank.usableCores.count { return true }
    let takesAll = here.count > 2 && Set(here.flatMap(\.usableCores)).count >= rank.cores
    return rank.usableCores.count == 1 && rank.cores > 1 && !takesAll
  }

  /// The cores that the ranks of one host may use together.
  private func cores(of here: [RankFacts]) -> (count: Int, reason: String) {
    let count = Set(here.flatMap(\.usableCores)).count
    guard let quota = here.compactMap(\.quota).min(), quota.rounded(.up) < Double(count) else {
      return (count, "")
    }
    return (max(Int(quota.rounded(.up)), 1), " by the container's quota")
  }

  /// OpenBLAS's kernels for processors older than AVX2, which it takes on those that it does not know.
  private static let oldKernels: Set = [
    "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Sandybridge", "Atom", "Opteron",
    "Opteron_SSE3", "Barcelona", "Bobcat", "Bulldozer",
  ]

  private var libraryProblems: [String] {
    let slow = ranks.filter { rank in
      rank.vectorUnits.contains("AVX2") && Self.oldKernels.contains(rank.openBLASCore)
    }
    guard let first = slow.first else { return [] }
    let better = slow.allSatisfy { $0.vectorUnits.contains("AVX-512") } ? "SkylakeX" : "Haswell"
    return [
      "\(names(slow)): OpenBLAS does not know the processor and takes its kernels for "
        + "\(first.openBLASCore), which lack AVX2; export OPENBLAS_CORETYPE=\(better), or widths "
        + "that are no multiple of 16 take twice as long"
    ]
  }

  private var hosts: [String] {
    var hosts: [String] = []
    for rank in ranks where !hosts.contains(rank.host) { hosts.append(rank.host) }
    return hosts
  }

  private var folderProblems: [String] {
    guard let record, recordFailure == nil else { return [] }
    let blind = ranks.filter { $0.seesRecord == false }
    guard !blind.isEmpty else { return [] }
    return [
      "\(names(blind)): do not see what rank 0 writes to \(record); a run that is resumed with "
        + "another rank 0 will not find it; put it on a shared file system"
    ]
  }

  private var clockProblems: [String] {
    let off = ranks.filter { abs($0.clockAhead) - $0.clockError > 1 }
    guard let worst = off.max(by: { abs($0.clockAhead) < abs($1.clockAhead) }) else { return [] }
    return [
      "\(names(off)): the clock is up to \(Int(abs(worst.clockAhead).rounded())) s off rank 0's; "
        + "set the hosts' clocks by NTP, or logs and file times will mislead"
    ]
  }

  private var memoryProblems: [String] {
    let low = ranks.filter { $0.freeMemoryBytes > 0 && $0.freeMemoryBytes < 1 << 30 }
    guard !low.isEmpty else { return [] }
    return ["\(names(low)): less than 1 GiB of memory is free; end other programs there"]
  }

  private var copyProblems: [String] {
    let denied = ranks.filter { rank in
      rank.copyMechanism != nil && ranks.contains { $0.host == rank.host && $0.rank != rank.rank }
    }
    guard let mechanism = denied.first?.copyMechanism else { return [] }
    let variable = MPIEnvironment.singleCopyVariable
    return [
      "\(names(denied)): the container denies ranks to read each other's memory "
        + "(process_vm_readv); "
        + (mechanism == "none"
          ? "runs take \(variable)=none by themselves, other programs need it exported, "
          : "export \(variable)=none (found \(mechanism)), ")
        + "or let the container have SYS_PTRACE"
    ]
  }

  /// Links between hosts that carry less than half of what the fastest does: a host all of whose
  /// links are slow is named once, else the pair.
  private var linkProblems: [String] {
    guard hosts.count > 1, let fastest = pairs.map(\.bytesPerSecond).max() else { return [] }
    let measured = Set(pairs.flatMap { [$0.first, $0.second] }).sorted()
    let slow = measured.filter { rank in
      pairs.filter { $0.first == rank || $0.second == rank }
        .allSatisfy { $0.bytesPerSecond < fastest / 2 }
    }
    let usual = "the fastest link between hosts carries \(Int(fastest / 1e6))"
    let hostLines = slow.map { rank in
      let best =
        pairs.filter { $0.first == rank || $0.second == rank }.map(\.bytesPerSecond).max() ?? 0
      return "\(name(ranks[rank])): at most \(Int(best / 1e6)) MB/s to any other host, while "
        + "\(usual); look at that host's network, or leave the host out"
    }
    let pairLines = pairs.filter { pair in
      pair.bytesPerSecond < fastest / 2 && !slow.contains(pair.first) && !slow.contains(pair.second)
    }.map { pair in
      "\(name(ranks[pair.first])) to \(name(ranks[pair.second])): "
        + "\(Int(pair.bytesPerSecond / 1e6)) MB/s, while \(usual); look at that link"
    }
    return hostLines + pairLines
  }
}
