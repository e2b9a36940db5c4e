extension AttackDataFrame {
  /// An epoch's row in the columns of ft_df.csv; NaN in the test columns where `tests` is nil.
  static func fineTuningRow(_ epoch: Trainer.Epoch, tests: TestResults?) -> [Value] {
    let training = [epoch.counts.meanLoss, epoch.counts.accuracy].map { Value.number($0 ?? .nan) }
    return [.count(epoch.index), .count(epoch.counts.batches)] + training + testCells(tests)
  }

  /// `row` of ft_df.csv with what the tests after its epoch came to.
  static func fineTuningRow(_ row: [Value], tests: TestResults) -> [Value] {
    let cells = testCells(tests)
    return row.dropLast(cells.count) + cells
  }

  /// The same with `tests` in the last row, where its rows are those of ft_df.csv.
  func endingFineTuning(_ tests: TestResults) -> AttackDataFrame {
    guard columns == Self.fineTuningColumns, let last = rows.last else { return self }
    var frame = AttackDataFrame(columns: columns)
    rows.dropLast().forEach { frame.append($0) }
    frame.append(Self.fineTuningRow(last, tests: tests))
    return frame
  }

  private static func testCells(_ tests: TestResults?) -> [Value] {
    [
      tests?.cleanLoss, tests?.triggeredLoss, tests?.metrics.cleanAccuracy,
      tests?.metrics.attackSuccessRate, tests?.metrics.robustAccuracy,
    ].map { .number($0 ?? .nan) }
  }
}
