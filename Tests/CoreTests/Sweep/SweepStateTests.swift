import Core
import Testing

/// What a sweep makes of a frame that somebody has edited.
@Suite struct SweepStateTests {
  /// The state of a run of one epoch with `batch` in its row.
  private func state(batch: String, ends: String = "\n") throws -> SweepAttackState {
    let scratch = try ArchiveScratch()
    var configuration = AttackConfiguration(attack: .badnet)
    (configuration.record, configuration.saveFolderName) = (scratch.folder, ".")
    (configuration.epochs, configuration.maxSteps) = (2, 4)
    try InfoFile.write(
      [
        .init("attack", .string("badnet")), .init("epochs", .int(2)), .init("max_steps", .int(4)),
      ], to: scratch.path("info.pickle"))
    _ = try scratch.file("attack_result.pt", [1])
    let row = ["0", "0", batch] + Array(repeating: "0.5", count: 10)
    let lines = [[""] + AttackDataFrame.attackColumns, row].map { $0.joined(separator: ",") + ends }
    _ = try scratch.file("attack_df.csv", Array(lines.joined().utf8))
    return SweepAttackState(configuration)
  }

  @Test func aRunWithAllItsStepsIsFinished() throws {
    #expect(try state(batch: "4") == .finished(cleanAccuracy: 0.5))
    #expect(try state(batch: "4", ends: "\r\n") == .finished(cleanAccuracy: 0.5))
    #expect(try state(batch: "3") == .begun(epochs: 1))
  }

  @Test(arguments: [
    "nan_value", "", "inf", "-inf", "1e300", "9223372036854775807", "9223372036854775808", "-4",
    "4.0", "4.5",
  ])
  func whatIsNoCountOfBatchesIsNotFinished(batch: String) throws {
    #expect(try state(batch: batch) == .begun(epochs: 1))
  }

  @Test func whatIsNoNumberIsNoRow() throws {
    #expect(try state(batch: "four") == .begun(epochs: 0))
  }
}
