extension AttackDataFrame {
  /// An epoch's row in the columns of ft_df.csv, not evaluated: NaN in the test columns.
  static func fineTuningRow(_ epoch: Trainer.Epoch) -> [Value] {
    let training = [epoch.counts.meanLoss, epoch.counts.accuracy].map { Value.number($0 ?? .nan) }
    return [.count(epoch.index), .count(epoch.counts.batches)] + training
      + Array(repeating: .number(.nan), count: 5)
  }

  /// `row` of ft_df.csv with what the tests after its epoch came to.
  static func fineTuningRow(_ row: [Value], tests: TestResults) -> [Value] {
    let numbers = [
      tests.cleanLoss, tests.triggeredLoss, tests.metrics.cleanAccuracy,
      tests.metrics.attackSuccessRate, tests.metrics.robustAccuracy,
    ]
    return row.dropLast(numbers.count) + numbers.map { .number($0 ?? .nan) }
  }
}
