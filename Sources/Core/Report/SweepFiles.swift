import Foundation

/// What lies in a sweep's folder: a row for each run, and the runs' settings.
struct SweepFiles {
  /// One run of the sweep.
  struct Row {
    /// Attack and rate.
    let attack: String
    let ratio: String
    /// Mode with its alpha; nil of the attacked model.
    let defence: String?
    let seeds: String
    let before: ThreeRates
    /// What the run's model does: after tuning where there was one.
    let after: ThreeRates
    let diverged: Bool
    let seconds: Double?
  }

  private static let largestTable = 16 << 20
  private static let largestResult = 1 << 20

  let folder: String
  let rows: [Row]
  /// Settings of all runs that were attacks, and in how many values each is.
  private(set) var settings: [(key: String, values: [String])] = []
  /// The command, as a run's folder has it.
  private(set) var command: String?
  /// Hosts, and ranks and threads, each once.
  private(set) var machines: [String] = []

  /// The plan's name.
  var name: String { PathText.name(of: PathText.resolved(folder)) }

  /// Reads the folder; throws `ArchiveError` where its table cannot be read.
  init(folder: String) throws {
    self.folder = folder
    rows = try Self.rows(PathText.join(folder, "results.csv"))
    takeResults()
  }

  /// The rows of results.csv, by the names of its columns.
  private static func rows(_ path: String) throws -> [Row] {
    let bytes: [UInt8]
    do { bytes = try FileBytes.read(path, limit: largestTable) } catch {
      throw ArchiveError.damaged(file: path, place: "its content", problem: error.reason)
    }
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    let header = (lines.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
    guard header.contains("attack"), header.contains("asr_before") else {
      throw ArchiveError.unexpected(
        file: path, place: "line 1", expected: "columns attack, pratio, mode, … asr_before",
        found: "\"\(ArchiveError.quoted(String(lines.first ?? "")))\"")
    }
    let places = Dictionary(header.map(String.init).enumerated().map { ($1, $0) }) { $1 }
    return try lines.dropFirst().enumerated().map { number, line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard cells.count == header.count else {
        throw ArchiveError.unexpected(
          file: path, place: "line \(number + 2)", expected: "\(header.count) cells",
          found: "\(cells.count)")
      }
      return Row { name in places[name].map { String(cells[$0]) } ?? "" }
    }
  }

  /// Takes settings, machines and the command from the runs' own files.
  private mutating func takeResults() {
    let place = PathText.join(folder, "runs")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
    var values: [String: Set<String>] = [:]
    for name in names.sorted() where name.hasSuffix(".json") && !name.hasPrefix(".") {
      guard let bytes = try? FileBytes.read("\(place)/\(name)", limit: Self.largestResult),
        let result = try? JSONDecoder().decode(SweepResult.self, from: Data(bytes))
      else { continue }
      let machine =
        "\(result.host), \(result.ranks) rank\(result.ranks == 1 ? "" : "s") of \(result.threads) "
        + "thread\(result.threads == 1 ? "" : "s")"
      if !machines.contains(machine) { machines.append(machine) }
      if command == nil {
        var problems: [String] = []
        let arguments = RunFiles.arguments(in: result.folder, &problems)
        command = RunCommand.text(arguments, log: RunLogText(lines: []))
      }
      guard result.after == nil else { continue }
      for (key, value) in result.settings { values[key, default: []].insert(value) }
    }
    settings = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
  }
}

extension SweepFiles.Row {
  /// The row whose cell in a column `cell` gives, empty where there is none.
  fileprivate init(_ cell: (String) -> String) {
    (attack, ratio) = (cell("attack"), cell("pratio"))
    let (mode, alpha) = (cell("mode"), cell("alpha"))
    let isAttack = mode == "none" || mode.isEmpty
    defence = isAttack ? nil : mode + (alpha.isEmpty ? "" : " α \(alpha)")
    seeds = [cell("attack_seed"), cell("tuning_seed")].filter { !$0.isEmpty }
      .joined(separator: ", ")
    before = ThreeRates(cell, "before")
    after = isAttack ? before : ThreeRates(cell, "after")
    diverged = cell("outcome") == "diverged"
    seconds = Double(cell("seconds"))
  }
}

extension ThreeRates {
  /// Those in the columns that end in `ending`.
  fileprivate init(_ cell: (String) -> String, _ ending: String) {
    func rate(_ name: String) -> Double? {
      Double(cell("\(name)_\(ending)")).flatMap { (0...1).contains($0) ? $0 : nil }
    }
    self.init(clean: rate("c_acc"), attack: rate("asr"), robust: rate("ra"))
  }
}
