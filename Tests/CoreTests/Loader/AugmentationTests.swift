import Core
import Testing

@Suite struct AugmentationTests {
  @Test func everyPlacementOccursAboutEquallyOften() {
    let augmentation = Augmentation(padding: 1, flips: true)
    var counts: [String: Int] = [:]
    for index in 0..<18_000 {
      let place = augmentation.placement(seed: 4, epoch: 2, index: index)
      counts["\(place)", default: 0] += 1
    }
    #expect(counts.count == 18)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 160 })
  }

  @Test func aPlacementDependsOnSeedEpochAndIndexAlone() {
    let augmentation = Augmentation(padding: 4, flips: true)
    let places = { (seed: UInt64, epoch: Int) in
      (0..<50).map { augmentation.placement(seed: seed, epoch: epoch, index: $0) }
    }
    #expect(places(1, 1) == places(1, 1))
    #expect(places(1, 1) != places(1, 2))
    #expect(places(1, 1) != places(2, 1))
  }

  @Test func withoutPaddingAndFlipsNothingChanges() {
    let augmentation = Augmentation(padding: 0, flips: false)
    for index in 0..<20 {
      #expect(augmentation.placement(seed: 0, epoch: 0, index: index) == .identity)
    }
  }
}
