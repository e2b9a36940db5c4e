import Distributed
import Foundation

/// What one run of a sweep came to, as it is kept on disk.
public struct SweepResult: Codable, Equatable, Sendable {
  /// The run's name.
  public var id: String
  /// The settings that decided the result.
  public var settings: [String: String]
  /// The attacked model's counts.
  public var before: BackdoorMetrics
  /// The tuned model's counts; nil of an attack.
  public var after: BackdoorMetrics?
  /// A text that stands for the tuned model's tensors; nil of an attack.
  public var model: String?
  /// The weight of the feature-shift penalty, where the run chose it.
  public var alpha: Double?
  /// Why there is no such model, where training diverged; the run counts as not done then.
  public var diverged: String?
  /// Wall seconds; nil of an attack that was resumed or taken over as it was found.
  public var seconds: Double?
  /// The attack's folder.
  public var folder: String
  /// The ranks that computed it.
  public var ranks: Int
  /// The threads of each of them.
  public var threads: Int
  /// The host of rank 0.
  public var host: String
  /// When it ended, as ISO 8601 has it.
  public var finished: String

  /// A result of this moment, of the ranks of `communicator`.
  package init(
    id: String, settings: [String: String], before: BackdoorMetrics, after: BackdoorMetrics? = nil,
    seconds: Double?, folder: String, threads: Int, communicator: any Communicator
  ) {
    self.id = id
    self.settings = settings
    self.before = before
    self.after = after
    self.seconds = seconds
    self.folder = folder
    self.threads = threads
    ranks = communicator.worldSize
    host = communicator.hostName
    finished = ISO8601DateFormatter().string(from: Date())
  }

  /// Whether this is the result of a run with `now`; `defaults` stand for keys it does not know.
  func isOf(_ now: [String: String], defaults: [String: String]) -> Bool {
    now.allSatisfy { key, value in (settings[key] ?? defaults[key]) == value }
  }
}

/// The folder of a sweep's results, `<record>/sweep/<plan>`; rank 0 alone uses it.
public struct SweepFolder: Sendable {
  /// The folder.
  public let path: String

  /// The folder of the runs of `plan`.
  public init(_ plan: SweepPlan) {
    let record = plan.groups.first?.attack.configuration.record ?? "record"
    path = "\(record)/sweep/\(plan.name)"
  }

  /// The table with a row for each run.
  public var csvPath: String { "\(path)/results.csv" }
  /// The table of means.
  public var markdownPath: String { "\(path)/results.md" }
  /// The tables of attacks x rates by tunings and defences.
  public var boardPath: String { "\(path)/board.md" }
  private var runsPath: String { "\(path)/runs" }

  /// All results that can be read, by the run's name.
  ///
  /// Of a run whose settings were changed there are several.
  public func results() -> [String: [SweepResult]] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: runsPath)) ?? []
    let results = names.sorted().filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
      .compactMap { name -> SweepResult? in
        guard let data = FileManager.default.contents(atPath: "\(runsPath)/\(name)") else {
          return nil
        }
        return try? JSONDecoder().decode(SweepResult.self, from: data)
      }
    return Dictionary(grouping: results, by: \.id)
  }

  /// Keeps `result` under a name made of the run's and its settings; throws `FileError`.
  func write(_ result: SweepResult) throws {
    try RunFolder.create(runsPath)
    let settings = result.settings.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)" }
    let sum = String(Checksum.of(settings.joined(separator: "\n")), radix: 16)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(result), as: UTF8.self)
    try AtomicFile.write(text + "\n", to: "\(runsPath)/\(result.id)-\(sum).json")
  }

  /// Writes both tables of all results on disk; other tasks of the same sweep do so too, one at a
  /// time.
  func writeTables(of plan: SweepPlan) throws {
    let lock = try lockTables()
    defer { lock?.release() }
    let results = results()
    let table = SweepTable(plan, results: results)
    try AtomicFile.write(table.csv, to: csvPath)
    try AtomicFile.write(table.markdown, to: markdownPath)
    try AtomicFile.write(SweepBoard(plan, results: results).markdown, to: boardPath)
  }

  /// Nil where another task has held the lock for ten seconds: it writes the same tables.
  private func lockTables() throws -> FolderLock? {
    for _ in 0..<200 {
      do {
        return try FolderLock(path)
      } catch is FolderInUse {
        Thread.sleep(forTimeInterval: 0.05)
      }
    }
    return nil
  }
}
