import Foundation

/// Where the time of a run went: what its log says of each epoch, and its timeline by rank.
struct TimingPart {
  let run: RunFiles

  func add(to html: inout HTMLText) {
    addEpochs(to: &html)
    guard case .text(let path)? = run.argument("timeline") else { return }
    switch TimelineTotals.read(path) {
    case .success(let totals): totals.add(to: &html)
    case .failure(let problem): html.note("The timeline is not shown: \(problem.words).")
    }
  }

  private func addEpochs(to html: inout HTMLText) {
    guard let frame = run.frame else { return }
    let timed = run.log.epochs(of: frame).compactMap { epoch in
      epoch.flatMap { epoch in epoch.timing.map { (number: epoch.number, words: $0) } }
    }
    guard let last = timed.last else { return }
    html.paragraph("Epoch \(last.number): \(last.words).")
    html.note(
      "Milliseconds of a step: from the batch in hand to the last gradient, waiting for the next "
        + "batch, waiting for other ranks.")
    guard timed.count > 1 else { return }
    html.details("All \(timed.count) epochs that the log has") { html in
      html.table(
        caption: "As the log has it.", columns: ["epoch", "timing"],
        rows: timed.map { ["\($0.number)", $0.words] }, numbers: 0..<0)
    }
  }
}

/// The seconds that each rank spent on each kind of work, by a run's timeline.
struct TimelineTotals {
  /// Why a timeline is not read.
  struct Problem: Error { let words: String }

  private static let largestFile = 64 << 20
  private static let mostKinds = 20
  private static let mostRanks = 512
  /// Ranks' names in their order, and their seconds by kind of work.
  private(set) var ranks: [(name: String, seconds: [String: Double])] = []

  /// Reads the Chrome trace at `path`.
  static func read(_ path: String) -> Result<TimelineTotals, Problem> {
    let bytes: [UInt8]
    do { bytes = try FileBytes.read(path, limit: largestFile) } catch {
      return .failure(Problem(words: "\(path): \(error.reason)"))
    }
    guard let json = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let events = json["traceEvents"] as? [[String: Any]]
    else { return .failure(Problem(words: "\(path) is no timeline")) }
    return .success(TimelineTotals(events))
  }

  private init(_ events: [[String: Any]]) {
    var names: [Int: String] = [:]
    var seconds: [Int: [String: Double]] = [:]
    for event in events {
      guard let rank = event["pid"] as? Int, let name = event["name"] as? String else { continue }
      if name == "process_name" {
        names[rank] = (event["args"] as? [String: Any])?["name"] as? String
      } else if let duration = event["dur"] as? Double {
        seconds[rank, default: [:]][name, default: 0] += duration * 1e-6
      }
    }
    ranks = seconds.keys.sorted().prefix(Self.mostRanks).map {
      (names[$0] ?? "rank \($0)", seconds[$0] ?? [:])
    }
  }

  func add(to html: inout HTMLText) {
    let kinds = Array(Set(ranks.flatMap(\.seconds.keys)).sorted().prefix(Self.mostKinds))
    guard !kinds.isEmpty else { return }
    html.table(
      caption: "Seconds of each kind of work, by rank, as the timeline has them.",
      columns: ["rank"] + kinds,
      rows: ranks.map { rank in
        [rank.name] + kinds.map { rank.seconds[$0].map { String(format: "%.2f", $0) } ?? "" }
      }, numbers: 1..<kinds.count + 1)
  }
}
