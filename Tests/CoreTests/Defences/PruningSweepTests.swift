import Core
import Testing

/// How far a network is pruned: by held-out accuracy alone, or as the originals by the test set.
@Suite struct PruningSweepTests {
  private func judgements(_ figures: [(Double, Double?)]) -> [PruningSweep.Judgement] {
    figures.map { PruningSweep.Judgement(accuracy: $0.0, successRate: $0.1) }
  }

  @Test func theStrongestAdmittedPruningIsChosenWhateverItsSuccessRate() {
    let before = PruningSweep.Judgement(accuracy: 0.8, successRate: 0.9)
    let tried = judgements([(0.8, 0.1), (0.7, 0.5), (0.75, 0.95), (0.71, 0.2), (0.4, 0)])
    // 0.8 × 0.9 = 0.72: a loss of a tenth is one too many.
    #expect(PruningSweep.strongest(tried, before: before, ratio: 0.1) == 2)
    #expect(PruningSweep.strongest(tried, before: before, ratio: 0.2) == 3)
  }

  @Test func aGainOfAccuracyIsNoLossWhereImagesAreHeldOut() {
    let before = PruningSweep.Judgement(accuracy: 0.5, successRate: 0.9)
    let tried = judgements([(0.6, 0.1)])
    #expect(PruningSweep.strongest(tried, before: before, ratio: 0.1) == 0)
    #expect(PruningSweep.lowestSuccessRate(tried, before: before, ratio: 0.1) == nil)
  }

  @Test func theOriginalsTakeTheFirstOfTheLowestSuccessRates() {
    let before = PruningSweep.Judgement(accuracy: 0.8, successRate: 0.9)
    let tried = judgements([(0.8, 0.9), (0.79, 0.4), (0.78, 0.4), (0.5, 0)])
    #expect(PruningSweep.lowestSuccessRate(tried, before: before, ratio: 0.1) == 1)
    #expect(
      PruningSweep.lowestSuccessRate(judgements([(0.8, 0.9)]), before: before, ratio: 0.1) == nil)
  }

  @Test func nothingIsAdmittedWhereThereIsNothingToLose() {
    let before = PruningSweep.Judgement(accuracy: 0)
    #expect(PruningSweep.strongest(judgements([(0, nil)]), before: before, ratio: 0.1) == nil)
  }

  @Test func numbersBeginWithAWholeInterval() {
    #expect(PruningWay.number.values(upTo: 40, by: 10) == [10, 20, 30, 40, 50])
    #expect(PruningWay.number.values(upTo: 0.9, by: 0.05) == [1, 2])
    #expect(PruningWay.threshold.values(upTo: 0.9, by: 0.05).count == 19)
  }
}
