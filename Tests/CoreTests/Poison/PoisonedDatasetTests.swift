import Core
import Testing

/// Sets every value to 200 in training and to 201 in test images.
private struct MarkTrigger: Trigger {
  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) { pixels.update(repeating: image.split == .train ? 200 : 201) }
}

@Suite struct PoisonedDatasetTests {
  private let clean = indexedImages(labels: [0, 1, 2, 0, 1, 2], classCount: 3)

  @Test func trainingImagesKeepTheirPlaces() {
    let poisoned = PoisonedDataset.train(
      clean, poisoned: [1, 3], trigger: MarkTrigger(), labels: .allToOne(target: 2))
    #expect(poisoned.images.labels == [0, 2, 2, 2, 1, 2])
    #expect(poisoned.originalLabels == clean.labels)
    #expect(poisoned.isPoisoned == [false, true, false, true, false, false])
    #expect(poisoned.poisonedCount == 2)
    #expect(poisoned.originalIndices == Array(0..<6))
    let values = (0..<6).map { poisoned.images.pixels[poisoned.images.range(of: $0)].first }
    #expect(values == [0, 200, 2, 200, 4, 5])
  }

  @Test func testImagesAreThoseWhoseLabelChanges() {
    let one = PoisonedDataset.test(
      clean, trigger: MarkTrigger(), labels: .allToOne(target: 0))
    #expect(one.originalIndices == [1, 2, 4, 5])
    #expect(one.originalLabels == [1, 2, 1, 2])
    #expect(one.images.labels == [0, 0, 0, 0])
    #expect(one.images.pixels.allSatisfy { $0 == 201 })
    let all = PoisonedDataset.test(
      clean, trigger: MarkTrigger(), labels: .allToAll(classCount: 3))
    #expect(all.originalIndices == Array(0..<6))
    #expect(all.images.labels == [1, 2, 0, 1, 2, 0])
  }
}

@Suite struct TuningSetTests {
  private let labels = [0, 0, 1, 0, 1, 1, 2, 2, 0, 2]

  @Test func heldOutTakesTheFirstOfEachClass() {
    let split = TuningSet.heldOut(labels: labels, classCount: 3, ratio: 0.6)
    #expect(split.tuning == [0, 1, 2, 4, 6, 7])
    #expect(split.attack == [3, 5, 8, 9])
  }

  @Test func heldOutDividesTheWholeBetweenTuningAndAttack() {
    for ratio in [0, 0.02, 0.3, 0.99, 1] {
      let split = TuningSet.indices(
        .heldOut, labels: labels, classCount: 3, ratio: ratio, seed: 0)
      #expect((split.tuning + split.attack).sorted() == Array(0..<10))
    }
  }

  @Test func randomIsPythonsSampleAndLeavesTheAttackEverything() {
    // random.seed(0); random.sample(range(1000), int(1000 * 0.02)), CPython 3.11
    let split = TuningSet.indices(
      .random, labels: .init(repeating: 0, count: 1000), classCount: 10, ratio: 0.02, seed: 0)
    #expect(
      split.tuning == [
        864, 394, 776, 911, 430, 41, 265, 988, 523, 497, 414, 940, 802, 849, 310, 991, 488, 366,
        597, 913,
      ])
    #expect(split.attack == Array(0..<1000))
  }
}
