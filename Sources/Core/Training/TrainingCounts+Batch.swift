extension TrainingCounts {
  /// Counts one rank's share of a batch, whose roles tell which images carry a trigger.
  mutating func add(_ outcome: StepOutcome) {
    let (batch, result) = (outcome.batch, outcome.crossEntropy)
    batches += 1
    lossSum += result.lossSum / Double(batch.globalCount)
    lossSum += outcome.penalty * Double(batch.count) / Double(batch.globalCount)
    total += batch.count
    correct += Int(result.correct)
    for (index, role) in batch.roles.enumerated() {
      let prediction = result.predictions[index]
      let hit = batch.labels[index] == prediction ? 1 : 0
      switch role {
      case .clean:
        cleanTotal += 1
        cleanCorrect += hit
      case .triggered:
        poisonedTotal += 1
        poisonedCorrect += hit
        poisonedRobust += batch.originalLabels[index] == prediction ? 1 : 0
      case .cross:
        crossTotal += 1
        crossCorrect += hit
      }
    }
  }
}
