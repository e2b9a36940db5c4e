import Foundation

/// The results of a plan's runs as tables: one row a run, and means over seeds.
///
/// What a test of a run came to stands in columns of that run's row.
public struct SweepTable: Sendable {
  /// A finished run in its place in the plan.
  private struct Run {
    var attack: SweepAttack
    var tuning: SweepTuning?
    var result: SweepResult
    /// What tests of it came to, in the order of the plan's tests; nil of one that is to do.
    var tests: [SweepResult?] = []

    /// What its seeds are averaged over: attack, rate, mode and α.
    var setting: [String] {
      let configuration = attack.configuration
      let rate = configuration.poisonRatio
      let name = rate == 0 ? "clean" : configuration.attack.rawValue
      return [name, rate.pythonRepr, mode, alpha]
    }

    var mode: String { tuning?.method.name ?? "none" }
    var alpha: String { tuning?.method.alpha ?? "" }
    var diverged: Bool { result.diverged != nil }
    /// What the run's model does.
    var metrics: BackdoorMetrics { result.after ?? result.before }
  }

  private let runs: [Run]
  private let plan: SweepPlan

  /// The tables of those runs of `plan` that have a result among `results`, or have diverged, in the
  /// plan's order.
  public init(_ plan: SweepPlan, results: [String: [SweepResult]]) {
    self.plan = plan
    runs = plan.groups.flatMap { group -> [Run] in
      let attack = group.attack.outcome(in: results).map {
        Run(attack: group.attack, tuning: nil, result: $0)
      }
      let tunings = group.tunings.filter { $0.tested == nil }.compactMap { tuning in
        tuning.outcome(of: group.attack, in: results).map {
          let tests = group.tunings.filter { $0.tested?.id == tuning.id }
            .map { $0.outcome(of: group.attack, in: results) }
          return Run(attack: group.attack, tuning: tuning, result: $0, tests: tests)
        }
      }
      return (attack.map { [$0] } ?? []) + tunings
    }
  }

  /// The number of runs with a result.
  public var count: Int {
    let tests = runs.flatMap(\.tests).compactMap { $0 }
    return runs.count { !$0.diverged } + tests.count { $0.diverged == nil }
  }

  /// The number of runs that diverged.
  private var divergedCount: Int {
    let tests = runs.flatMap(\.tests).compactMap { $0 }
    return runs.count(where: \.diverged) + tests.count { $0.diverged != nil }
  }

  // MARK: One row a run

  private static let columns = [
    "attack", "pratio", "mode", "alpha", "attack_seed", "tuning_seed", "c_acc_before", "asr_before",
    "ra_before", "c_acc_after", "asr_after", "ra_after", "clean_correct_before",
    "attack_successes_before", "robust_correct_before", "clean_correct_after",
    "attack_successes_after", "robust_correct_after", "clean_total", "triggered_total", "outcome",
    "seconds", "ranks", "threads",
  ]

  /// The columns of the plan's tests, for each its rates and their counts.
  private var testColumns: [String] {
    plan.tests.map(SweepTests.word).flatMap { word in
      ["c_acc", "asr", "ra", "clean_correct", "attack_successes", "robust_correct"]
        .map { "\($0)_\(word)" }
    }
  }

  /// A row for each run: rates, their counts, and seconds.
  ///
  /// Of an attack the columns after tuning
  /// are empty, and so are those of a model that diverged. A plan with tests has their columns at the
  /// end.
  public var csv: String {
    let rows = runs.map { run -> [String] in
      let (before, after) = (run.result.before, run.result.after)
      let seed = run.tuning.map { "\($0.configuration.randomSeed)" } ?? ""
      let setting = run.setting + ["\(run.attack.configuration.randomSeed)", seed]
      let counts = Self.counts(before) + (after.map(Self.counts) ?? ["", "", ""])
      let seconds = run.result.seconds.map { String(format: "%.1f", $0) } ?? ""
      return setting + Self.rates(before) + (after.map(Self.rates) ?? ["", "", ""]) + counts
        + [Self.total(before.cleanTotal, before), Self.total(before.triggeredTotal, before)]
        + [run.diverged ? "diverged" : "done", seconds]
        + ["\(run.result.ranks)", "\(run.result.threads)"] + cells(of: run.tests)
    }
    return ([Self.columns + testColumns] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  private func cells(of tests: [SweepResult?]) -> [String] {
    plan.tests.indices.flatMap { index -> [String] in
      let after = tests.indices.contains(index) ? tests[index]?.after : nil
      return after.map { Self.rates($0) + Self.counts($0) } ?? Array(repeating: "", count: 6)
    }
  }

  private static func rates(_ metrics: BackdoorMetrics) -> [String] {
    [metrics.cleanAccuracy, metrics.attackSuccessRate, metrics.robustAccuracy]
      .map { $0.map { String(format: "%.6f", $0) } ?? "" }
  }

  private static func counts(_ metrics: BackdoorMetrics) -> [String] {
    [metrics.cleanCorrect, metrics.attackSuccesses, metrics.robustCorrect]
      .map { total($0, metrics) }
  }

  /// A count of `metrics`; empty where nothing was counted.
  private static func total(_ count: Int64, _ metrics: BackdoorMetrics) -> String {
    metrics.cleanTotal == 0 ? "" : "\(count)"
  }

  // MARK: Means over seeds

  /// A row for each attack, rate, mode and α: means over the seeds, with the smallest and the
  /// largest value where there are several.
  public var markdown: String {
    var order: [[String]] = []
    var members: [[String]: [Run]] = [:]
    for run in runs {
      if members[run.setting] == nil { order.append(run.setting) }
      members[run.setting, default: []].append(run)
    }
    let header =
      ["attack", "pratio", "mode", "α", "n", "C-ACC", "ASR", "RA", "C-ACC lost"]
      + plan.tests.flatMap { ["C-ACC after \($0.rawValue)", "ASR after \($0.rawValue)"] }
    let lost = divergedCount
    var lines = [
      "# \(plan.name): \(count) of \(plan.runCount) runs" + (lost > 0 ? ", \(lost) diverged" : ""),
      "",
      "Means over n runs (attack seeds x tuning seeds), in brackets the smallest and the largest; "
        + "mode none is the attacked model.", "", Self.row(header),
      Self.row(header.map { _ in "---" }),
    ]
    for setting in order {
      let all = members[setting] ?? []
      let runs = all.filter { !$0.diverged }
      let number = runs.count == all.count ? "" : " + \(all.count - runs.count) diverged"
      let lost = runs.map { run in
        run.result.after.flatMap { after in
          run.result.before.cleanAccuracy.flatMap { before in
            after.cleanAccuracy.map { before - $0 }
          }
        }
      }
      lines.append(
        Self.row(
          setting + ["\(runs.count)\(number)"]
            + [
              Self.mean(runs.map(\.metrics.cleanAccuracy)),
              Self.mean(runs.map(\.metrics.attackSuccessRate)),
              Self.mean(runs.map(\.metrics.robustAccuracy)), Self.mean(lost),
            ] + plan.tests.indices.flatMap { Self.tested(runs.map(\.tests), $0) }))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The means of what a test came to, over those of its runs that are done.
  private static func tested(_ tests: [[SweepResult?]], _ index: Int) -> [String] {
    let after = tests.compactMap { $0.indices.contains(index) ? $0[index]?.after : nil }
    return [mean(after.map(\.cleanAccuracy)), mean(after.map(\.attackSuccessRate))]
  }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  /// "0.8647", or "0.8647 (0.8610…0.8702)" of several; empty where a run has no such rate.
  private static func mean(_ values: [Double?]) -> String {
    let known = values.compactMap { $0 }
    guard let least = known.min(), let most = known.max(), known.count == values.count else {
      return ""
    }
    let figure = BackdoorMetrics.figure
    let mean = figure(known.reduce(0, +) / Double(known.count))
    return known.count == 1 ? mean : "\(mean) (\(figure(least))…\(figure(most)))"
  }

  /// The rates of a model in a line.
  static func line(_ metrics: BackdoorMetrics) -> String {
    let figure = BackdoorMetrics.figure
    return "C-ACC \(figure(metrics.cleanAccuracy)), ASR \(figure(metrics.attackSuccessRate)), "
      + "RA \(figure(metrics.robustAccuracy))"
  }

  /// What a tuning came to, in a line.
  static func line(_ outcome: TuneOutcome) -> String {
    let (before, after, figure) = (outcome.before, outcome.after, BackdoorMetrics.figure)
    return "C-ACC \(figure(before.cleanAccuracy)) to \(figure(after.cleanAccuracy)), "
      + "ASR \(figure(before.attackSuccessRate)) to \(figure(after.attackSuccessRate)), "
      + String(format: "%.1f s", outcome.seconds)
  }
}
