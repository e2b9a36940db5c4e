import Core
import Foundation

extension Report {
  /// Prints what a sweep came to, and gives the exit status.
  static func sweep(
    _ plan: SweepPlan, _ outcome: SweepOutcome, page: String?, json: Bool
  ) throws -> Int32 {
    let folder = SweepFolder(plan)
    if json {
      try printJSON(SweepReport(plan, outcome))
    } else {
      print(SweepTable(plan, results: folder.results()).markdown)
      print("tables  \(folder.csvPath), \(folder.markdownPath), \(folder.boardPath)")
      if let page { print("page    \(page)") }
      print(
        "runs    \(outcome.runCount): \(outcome.finishedBefore) finished before, "
          + "\(outcome.finishedNow) now, \(outcome.failures.count) failed, \(outcome.waiting) waiting "
          + "for their attack")
      print("time    \(ProgressLine.clock(outcome.seconds))")
    }
    for failure in outcome.failures { Ending.say("\(failure.id): \(failure.message)") }
    if outcome.isStopped {
      StandardError.line("interrupted; the same command goes on")
      return ExitStatus.interrupted
    }
    return outcome.failures.isEmpty ? 0 : ExitStatus.failure
  }

  /// Prints the runs of a plan with what is known of them and the time they will take.
  static func runs(
    _ plan: SweepPlan, selection: SweepSelection, ranks: Int, json: Bool
  ) throws {
    let results = SweepFolder(plan).results()
    let estimate = try SweepEstimate(plan, results: results, ranks: ranks)
    let listing = try SweepListing(plan, selection: selection, results: results, estimate: estimate)
    let width = listing.runs.map(\.id.count).max() ?? 0
    for run in listing.runs {
      let time = run.secondsLeft.map { ProgressLine.clock($0) } ?? "?"
      let id = run.id.padding(toLength: width, withPad: " ", startingAt: 0)
      print("\(id)  \(run.state)\(run.state == SweepListing.finished ? "" : ", \(time)")")
    }
    let total = listing.secondsLeft.map { ProgressLine.clock($0) } ?? "an unknown time"
    print("\(listing.runs.count) runs, \(listing.finishedCount) of them finished; \(total) left")
    print("estimated: \(estimate.basis)")
    if json { try printJSON(listing) }
  }
}

/// A sweep's outcome as JSON.
private struct SweepReport: Encodable {
  struct Failure: Encodable {
    let run, error: String
  }

  enum CodingKeys: String, CodingKey {
    case plan, folder, csv, markdown, board, runs, failed, waiting, interrupted, seconds
    case finishedBefore = "finished_before"
    case finishedNow = "finished_now"
  }

  let plan, folder, csv, markdown, board: String
  let runs, finishedBefore, finishedNow, waiting: Int
  let failed: [Failure]
  let interrupted: Bool
  let seconds: Double

  init(_ plan: SweepPlan, _ outcome: SweepOutcome) {
    let results = SweepFolder(plan)
    self.plan = plan.name
    (folder, csv, markdown) = (results.path, results.csvPath, results.markdownPath)
    board = results.boardPath
    (runs, waiting) = (outcome.runCount, outcome.waiting)
    (finishedBefore, finishedNow) = (outcome.finishedBefore, outcome.finishedNow)
    failed = outcome.failures.map { Failure(run: $0.id, error: $0.message) }
    (interrupted, seconds) = (outcome.isStopped, outcome.seconds)
  }
}

/// The runs of a plan, what is known of each, and the seconds that are left.
private struct SweepListing: Encodable {
  struct Run: Encodable {
    let id: String
    let state: String
    let secondsLeft: Double?

    enum CodingKeys: String, CodingKey {
      case id, state
      case secondsLeft = "seconds_left"
    }
  }

  enum CodingKeys: String, CodingKey {
    case runs
    case finishedCount = "finished"
    case secondsLeft = "seconds_left"
  }

  static let finished = "finished"

  var runs: [Run] = []
  var finishedCount: Int { runs.count { $0.state == Self.finished } }
  /// Nil where the time of a run is not known.
  var secondsLeft: Double? {
    runs.reduce(0) { sum, run in sum.flatMap { sum in run.secondsLeft.map { sum + $0 } } }
  }

  init(
    _ plan: SweepPlan, selection: SweepSelection, results: [String: [SweepResult]],
    estimate: SweepEstimate
  ) throws {
    for group in try selection.groups(of: plan) {
      let status = SweepStatus(group, results: results)
      let share = status.attack.shareLeft(of: group.attack.configuration)
      let seconds = share == 0 ? 0 : estimate.attackSeconds.map { $0 * share }
      runs.append(
        Run(id: group.attack.id, state: Self.words(status.attack), secondsLeft: seconds))
      for (tuning, isFinished) in zip(group.tunings, status.tuningsAreFinished) {
        let seconds = estimate.tuningSeconds[tuning.method.title]
        runs.append(
          Run(
            id: tuning.id, state: isFinished ? Self.finished : "to do",
            secondsLeft: isFinished ? 0 : seconds))
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(runs, forKey: .runs)
    try container.encode(finishedCount, forKey: .finishedCount)
    try container.encode(secondsLeft, forKey: .secondsLeft)
  }

  private static func words(_ state: SweepAttackState) -> String {
    switch state {
    case .absent: "to do"
    case .begun(let epochs): "begun, \(epochs) epochs"
    case .finished: finished
    case .other(let key, let found, let expected):
      "to do; another run stands there, its \(key) is \(found) instead of \(expected)"
    }
  }
}
