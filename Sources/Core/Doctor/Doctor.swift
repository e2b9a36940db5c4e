import Distributed
import Foundation

/// Looks at the machines that a run would have, all ranks together; `fst doctor` prints it.
public struct Doctor {
  /// Two ranks and how fast they swap bytes, both ways at once.
  public struct Pair: Codable, Equatable, Sendable {
    /// The ranks.
    public var first: Int, second: Int
    /// Seconds of a swap of 8 bytes, median.
    public var latencySeconds: Double
    /// Bytes a second in each direction, swapping 4 MiB, median.
    public var bytesPerSecond: Double

    /// What ranks `first` and `second` came to.
    public init(first: Int, second: Int, latencySeconds: Double, bytesPerSecond: Double) {
      (self.first, self.second) = (first, second)
      (self.latencySeconds, self.bytesPerSecond) = (latencySeconds, bytesPerSecond)
    }
  }

  /// The sum of a whole gradient of the published model over all ranks, in pieces of 4 MiB.
  public struct AllReduce: Codable, Equatable, Sendable {
    /// Bytes summed on each rank.
    public var bytes: Int
    /// Seconds, median.
    public var seconds: Double
    /// 2 (n - 1) / n times the bytes over the seconds: what the slowest link carried.
    public var busBytesPerSecond: Double
  }

  /// All that was found.
  public struct Report: Codable, Equatable, Sendable {
    /// What each rank found.
    public var ranks: [RankFacts]
    /// Pairs of hosts, by their first ranks; on one host, pairs of its ranks.
    public var pairs: [Pair] = []
    /// The sum over all ranks; nil for one rank.
    public var allReduce: AllReduce?
    /// Folders that were looked for.
    public var record: String?, datasetPath: String?
    /// Why rank 0 could not write to `record`.
    public var recordFailure: String?

    /// A report of `ranks`, in order and at least one.
    public init(ranks: [RankFacts]) { self.ranks = ranks }
  }

  private let communicator: any Communicator
  /// The most ranks of which every pair is measured; of more, neighbours in a ring are.
  static let pairLimit = 8
  /// The bytes of the gradient of resnet18 of width 64.
  static let gradientBytes =
    4 * NetworkKind.resnet18.parameterCount(of: NetworkSize(width: 64), classCount: 10)

  /// A doctor for the ranks of `communicator`.
  public init(on communicator: any Communicator) { self.communicator = communicator }

  /// Looks at everything; folders only where they are named.
  public func run(threads: Int?, record: String?, datasetPath: String?) throws -> Report {
    var facts = RankFacts.local(threads: threads)
    (facts.rank, facts.host) = (communicator.rank, communicator.hostName)
    facts.mpi = try communicator.mpiLibrary()
    facts.unjoined =
      MPIEnvironment.unjoined(
        ProcessInfo.processInfo.environment, worldSize: communicator.worldSize)?.complaint
    let clock = try communicator.clockOffset { Date().timeIntervalSince1970 }
    (facts.clockAhead, facts.clockError) = (-clock.seconds, clock.error)
    facts.seesData = datasetPath.map(Self.isFolder)
    var failure: String?
    if let record {
      let seen = try look(for: record)
      (facts.seesRecord, facts.writesRecord, failure) = (seen.sees, seen.writes, seen.failure)
    }
    var report = Report(ranks: try gather(facts))
    (report.record, report.datasetPath, report.recordFailure) = (record, datasetPath, failure)
    guard communicator.worldSize > 1 else { return report }
    report.pairs = try measurePairs(report.ranks)
    report.allReduce = try measureAllReduce()
    return report
  }

  /// What a run of so many threads a rank should say beforehand; all ranks call it.
  public func threadWarnings(threads: Int?) throws -> [String] {
    var facts = RankFacts.place(threads: threads)
    (facts.rank, facts.host) = (communicator.rank, communicator.hostName)
    return Report(ranks: try gather(facts)).threadProblems
  }

  private func gather<Value: Codable>(_ value: Value) throws -> [Value] {
    try communicator.allGather(Array(try JSONEncoder().encode(value)))
      .map { try JSONDecoder().decode(Value.self, from: Data($0)) }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}

// MARK: Folders

extension Doctor {
  /// Has rank 0 write a file to `record`, or to the folder in which it would be made, and all look
  /// for it.
  private func look(for record: String) throws -> (sees: Bool, writes: Bool, failure: String?) {
    struct Attempt: Codable {
      var path: String
      var failure: String?
    }
    let attempt = try communicator.fromRankZero { () -> Attempt in
      let folder = Self.existing(record)
      let path = "\(folder)/.fst-doctor-\(UInt64.random(in: 0...UInt64.max))"
      do {
        try AtomicFile.write("doctor\n", to: path)
        return Attempt(path: path, failure: nil)
      } catch { return Attempt(path: path, failure: "\(error)") }
    }
    let folder = PathText.folder(of: attempt.path)
    let sees = attempt.failure == nil && Self.appears(attempt.path)
    let writes = access(folder, W_OK) == 0
    try communicator.barrier()
    if communicator.rank == 0 { unlink(attempt.path) }
    return (sees, writes, attempt.failure)
  }

  /// `path` or the nearest folder above it that is there.
  private static func existing(_ path: String) -> String {
    var folder = path.isEmpty ? "." : path
    while !FileManager.default.fileExists(atPath: folder) {
      let parent = PathText.folder(of: folder)
      if parent == folder { return parent }
      folder = parent
    }
    return folder
  }

  /// Whether a file is there within two seconds: network file systems may show it late.
  private static func appears(_ path: String) -> Bool {
    for _ in 0..<20 {
      if FileManager.default.fileExists(atPath: path) { return true }
      usleep(100_000)
    }
    return false
  }
}

// MARK: Links

extension Doctor {
  /// The pairs to measure, in order: of hosts by their first ranks, or of one host's ranks.
  static func pairs(of ranks: [RankFacts]) -> [(Int, Int)] {
    var firsts: [RankFacts] = []
    for rank in ranks where !firsts.contains(where: { $0.host == rank.host }) {
      firsts.append(rank)
    }
    let measured = (firsts.count > 1 ? firsts : ranks).map(\.rank)
    let count = measured.count
    if count <= pairLimit {
      return (0..<count).flatMap { first in
        (first + 1..<count).map { (measured[first], measured[$0]) }
      }
    }
    return (0..<count).map { (measured[$0], measured[($0 + 1) % count]) }
  }

  /// One pair after the other, the other ranks idle.
  private func measurePairs(_ ranks: [RankFacts]) throws -> [Pair] {
    var mine: [Pair] = []
    for (first, second) in Self.pairs(of: ranks) {
      let rank = communicator.rank
      if rank == first || rank == second {
        let peer = rank == first ? second : first
        let small = try communicator.secondsOfSwaps(with: peer, byteCount: 8, rounds: 50)
        let large = try communicator.secondsOfSwaps(with: peer, byteCount: 4 << 20, rounds: 6)
        if rank == first, small.count > 10, large.count > 1 {
          let seconds = max(Self.median(Array(large.dropFirst())), 1e-9)
          mine.append(
            Pair(
              first: first, second: second,
              latencySeconds: Self.median(Array(small.dropFirst(10))),
              bytesPerSecond: Double(4 << 20) / seconds))
        }
      }
      try communicator.barrier()
    }
    return try gather(mine).flatMap { $0 }.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
  }

  /// Up to five sums after one to warm up, fewer where they take more than five seconds together.
  private func measureAllReduce() throws -> AllReduce {
    let buffer = FloatBuffer(count: Self.gradientBytes / 4)
    let piece = (4 << 20) / 4
    var seconds: [Double] = []
    for round in 0..<6 {
      try communicator.barrier()
      let start = ContinuousClock.now
      for lower in stride(from: 0, to: buffer.count, by: piece) {
        let range = lower..<min(lower + piece, buffer.count)
        try communicator.allReduceSum(UnsafeMutableBufferPointer(rebasing: buffer.floats[range]))
      }
      // The slowest rank's time, the same on all, so that all stop after the same round.
      let nanoseconds = Int64(start.duration(to: .now).seconds * 1e9)
      let taken = Double(try communicator.allReduceMaximum(nanoseconds)) * 1e-9
      if round > 0 || taken > 2.5 { seconds.append(taken) }
      if seconds.reduce(0, +) > 5 { break }
    }
    let median = max(Self.median(seconds), 1e-9)
    let ranks = Double(communicator.worldSize)
    return AllReduce(
      bytes: Self.gradientBytes, seconds: median,
      busBytesPerSecond: 2 * (ranks - 1) / ranks * Double(Self.gradientBytes) / median)
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
