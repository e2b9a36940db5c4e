/// Prunings of growing strength, each judged by what the run decides by, and the choice among them.
///
/// By default that is the accuracy on clean images that are held out: the strongest pruning is
/// chosen whose relative loss of it stays below `acc_ratio`. With `--selection benchmark` it is the
/// test set, as in the originals, whose published numbers are such choices.
package struct PruningSweep {
  private let stage: DefenceStage

  /// A sweep on the network of `stage`.
  init(_ stage: DefenceStage) { self.stage = stage }

  /// What a pruned network does.
  package struct Judgement {
    /// The accuracy on held-out images, or on the test set.
    package var accuracy: Double
    /// The attack's success rate on the test set; nil where that is not looked at.
    package var successRate: Double?
    /// All of the test set; nil where it is not looked at.
    var tests: TestResults?

    /// A judgement by these figures.
    package init(accuracy: Double, successRate: Double? = nil) {
      (self.accuracy, self.successRate) = (accuracy, successRate)
    }
  }

  /// What the network does as it now is.
  func judge() throws -> Judgement {
    guard stage.configuration.selection == .benchmark else {
      return Judgement(accuracy: try stage.accuracy(of: stage.network, on: stage.heldOut))
    }
    let tests = try stage.results(of: stage.network)
    var judgement = Judgement(
      accuracy: tests.metrics.cleanAccuracy ?? 0, successRate: tests.metrics.attackSuccessRate)
    judgement.tests = tests
    return judgement
  }

  /// Throws where the success rate is to be decided by, and `before` has none.
  func requireSuccessRate(_ before: Judgement) throws {
    guard stage.configuration.selection == .benchmark, before.successRate == nil else { return }
    throw BenchmarkWithoutTriggers()
  }

  /// Why nothing is chosen where the network gets none of the images right by which is decided.
  func hopelessness(_ before: Judgement) -> String? {
    before.accuracy > 0
      ? nil
      : "the attacked model gets none of the images right by which is decided"
        + (stage.configuration.selection == .heldOut ? " (\(stage.heldOut.count) held out)" : "")
  }

  /// Tells how many of `total` prunings are judged.
  func tell(_ done: Int, of total: Int) {
    stage.stage.tell(
      .working(WorkProgress(name: "judge", done: done, total: total, unit: "prunings at most")))
  }

  /// Whether `judgement` has lost less than the admitted share of the accuracy before.
  func isAdmitted(_ judgement: Judgement, before: Judgement) -> Bool {
    Self.isAdmitted(
      judgement, before: before, ratio: stage.configuration.accuracyRatio,
      countsGains: stage.configuration.selection == .benchmark)
  }

  /// The same below `ratio`; the originals count what is gained like what is lost.
  package static func isAdmitted(
    _ judgement: Judgement, before: Judgement, ratio: Double, countsGains: Bool
  ) -> Bool {
    guard before.accuracy > 0 else { return false }
    let loss = (before.accuracy - judgement.accuracy) / before.accuracy
    return (countsGains ? abs(loss) : loss) < ratio
  }

  /// The position of the chosen one of `judgements`, which are in order of strength; nil is none.
  func choice(of judgements: [Judgement], before: Judgement) -> Int? {
    let ratio = stage.configuration.accuracyRatio
    return stage.configuration.selection == .benchmark
      ? Self.lowestSuccessRate(judgements, before: before, ratio: ratio)
      : Self.strongest(judgements, before: before, ratio: ratio)
  }

  /// The last that is admitted.
  package static func strongest(
    _ judgements: [Judgement], before: Judgement, ratio: Double
  ) -> Int? {
    judgements.lastIndex {
      isAdmitted($0, before: before, ratio: ratio, countsGains: false)
    }
  }

  /// The admitted one with the lowest success rate, which must be below the one before; of equal ones
  /// the first.
  package static func lowestSuccessRate(
    _ judgements: [Judgement], before: Judgement, ratio: Double
  ) -> Int? {
    var (best, lowest) = (Int?.none, before.successRate ?? 0)
    for (index, judgement) in judgements.enumerated() {
      guard let rate = judgement.successRate, rate < lowest,
        isAdmitted(judgement, before: before, ratio: ratio, countsGains: true)
      else { continue }
      (best, lowest) = (index, rate)
    }
    return best
  }

  /// A table with a row for each pruning: `columns`, then what it does, empty where nobody looked.
  static func table(_ columns: [String]) -> AttackDataFrame {
    AttackDataFrame(
      columns: columns + [
        "clean_test_loss_avg_over_batch", "bd_test_loss_avg_over_batch", "test_acc", "test_asr",
        "test_ra", "held_out_acc",
      ])
  }

  /// A row of it.
  static func row(
    _ cells: [AttackDataFrame.Value], _ judgement: Judgement
  ) -> [AttackDataFrame.Value] {
    let metrics = judgement.tests?.metrics
    let figures = [
      judgement.tests?.cleanLoss, judgement.tests?.triggeredLoss, metrics?.cleanAccuracy,
      metrics?.attackSuccessRate, metrics?.robustAccuracy,
      judgement.tests == nil ? judgement.accuracy : nil,
    ]
    return cells + figures.map { .number($0 ?? .nan) }
  }
}

/// A choice as the originals make it, without what they look at.
struct BenchmarkWithoutTriggers: Error, Equatable, CustomStringConvertible {
  /// One line: what was expected and found.
  var description: String {
    "--selection benchmark: expected triggered test images to decide by, found none; keep the run's "
      + "\(PoisonFolder.testName), name the attack by --attack, or take --selection held_out"
  }
}

extension ParameterStore {
  /// Runs `body`, after which the parameters are what they were before.
  func withPassingChange<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = values.array
    defer { values.pointer.update(from: before, count: before.count) }
    return try body()
  }
}
