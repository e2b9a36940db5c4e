extension TrainingCounts {
  /// Counts one rank's share of a batch; `dataset` tells which images carry a trigger.
  mutating func add(_ batch: Batch, _ result: TrainStep.Result, dataset: PoisonedDataset?) {
    batches += 1
    lossSum += result.crossEntropy.lossSum / Double(batch.globalCount)
    lossSum += result.penalty * Double(batch.count) / Double(batch.globalCount)
    total += batch.count
    correct += Int(result.crossEntropy.correct)
    guard let dataset else { return }
    for (position, prediction) in zip(batch.indices, result.crossEntropy.predictions) {
      let isCorrect = dataset.images.labels[position] == Int(prediction)
      guard dataset.isPoisoned[position] else {
        cleanTotal += 1
        cleanCorrect += isCorrect ? 1 : 0
        continue
      }
      poisonedTotal += 1
      poisonedCorrect += isCorrect ? 1 : 0
      poisonedRobust += dataset.originalLabels[position] == Int(prediction) ? 1 : 0
    }
  }
}
