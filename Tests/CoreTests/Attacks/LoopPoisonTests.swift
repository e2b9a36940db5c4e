import Core
import TestSupport
import Testing

/// What attacks do to batches inside the training loop.
@Suite struct LoopPoisonTests {
  private func poison(_ ratio: Double) -> LoopPoison {
    LoopPoison(ratio: ratio, labels: .allToOne(target: 0), seed: 1)
  }

  @Test(arguments: [(0.1, 128, 12), (0.1, 80, 8), (0.25, 12, 3), (1.0, 7, 7), (0.0, 128, 0)])
  func theShareOfABatchIsCutOff(ratio: Double, images: Int, count: Int) {
    #expect(poison(ratio).count(of: images, epoch: 0, step: 0) == count)
  }

  @Test func lessThanAnImageIsOneOfSeveralBatches() {
    let counts = (0..<2000).map { poison(0.02).count(of: 10, epoch: 3, step: $0) }
    #expect(Set(counts) == [0, 1])
    #expect(abs(Double(counts.reduce(0, +)) / 2000 - 0.2) < 0.03)
  }

  @Test func aBatchIsAugmentedByItsStepAlone() {
    let augmentation = BatchAugmentation()
    let placements = (0..<1000).map { augmentation.placement(seed: 1, epoch: 2, step: $0) }
    #expect(placements[7] == augmentation.placement(seed: 1, epoch: 2, step: 7))
    let shares = [
      placements.count { $0.crop != nil }, placements.count { $0.angle != nil },
      placements.count { $0.isMirrored },
    ].map { Double($0) / 1000 }
    for (share, expected) in zip(shares, [0.8, 0.5, 0.5]) { #expect(abs(share - expected) < 0.06) }
    #expect(placements.allSatisfy { abs($0.angle ?? 0) <= 10 })
  }

  @Test func mirroringTwiceChangesNothing() {
    let sources = BatchAugmentation.Placement(isMirrored: true).sources(height: 4, width: 6)
    #expect(sources.map { sources[$0] } == Array(0..<24))
  }

  @Test func aCropMovesImagesAndLeavesZeros() {
    let placement = BatchAugmentation.Placement(crop: (top: 6, left: 4), padding: 5)
    let sources = placement.sources(height: 8, width: 8)
    #expect(sources[0] == -1 && sources[1] == 8 && sources[63] == -1)
  }

  @Test func picturesAreCutOffOrRounded() {
    let (cut, rounded) = (
      PixelRule(.cifar10, rounds: false), PixelRule(.cifar10, rounds: true)
    )
    for channel in 0..<3 {
      for byte in UInt8.min...UInt8.max {
        let value = cut.normalized(byte, channel: channel)
        #expect(rounded.byte(value, channel: channel) == byte)
        #expect([byte, byte &- 1].contains(cut.byte(value, channel: channel)))
      }
    }
    let darker = (0..<3).flatMap { channel in
      (UInt8.min...UInt8.max).filter {
        cut.byte(cut.normalized($0, channel: channel), channel: channel) != $0
      }
    }
    #expect(darker.count == 156)
  }

  @Test func valuesBecomeThoseOfTheirPicture() {
    for rounds in [false, true] {
      let rule = PixelRule(.cifar10, rounds: rounds)
      let values = (0..<600).map { Float($0 % 97) / 40 - 1.2 }
      var quantized = values
      rule.quantize(&quantized)
      #expect(
        quantized
          == values.indices.map {
            rule.normalized(rule.byte(values[$0], channel: $0 % 3), channel: $0 % 3)
          })
      // Grey levels are 1 / 255 apart, and cutting off moves by less than two of them.
      let distance = largestDistance(values, quantized) * 0.243 * 255
      #expect(distance > 0.4 && distance < (rounds ? 0.56 : 2.1), "\(distance)")
    }
  }

  @Test func whatLiesOutsideWrapsAroundOrIsClamped() {
    let (cut, rounded) = (
      PixelRule(.cifar10, rounds: false), PixelRule(.cifar10, rounds: true)
    )
    #expect([-2.0, 300, 256].map { cut.byte(shown: Float($0) / 255) } == [254, 44, 0])
    #expect([-2.0, 300, 256].map { rounded.byte(shown: Float($0) / 255) } == [0, 255, 255])
    #expect(cut.byte(shown: .nan) == 0 && rounded.byte(shown: .infinity) == 0)
  }

  @Test func oneScheduleFollowsTheOther() {
    let schedule = LearningRateSchedule.sequence(
      .constant(base: 1), epochs: 2, .multiStep(base: 0.5, milestones: [1], gamma: 0.1))
    let rates = (0..<4).map { schedule.rate(epoch: $0, step: 0, stepsPerEpoch: 5, epochs: 4) }
    #expect(rates == [1, 1, 0.5, 0.05])
  }

  @Test func eachAttackStartsFromItsOwnSchedule() {
    for attack in [AttackName.wanet, .bpp] {
      let configuration = AttackConfiguration(attack: attack)
      #expect(configuration.schedule == .multiStep)
      #expect(configuration.milestones == [100, 200, 300, 400])
    }
    let lira = AttackConfiguration(attack: .lira)
    #expect(lira.schedule == .constant && lira.weightDecay == 0)
    #expect(AttackConfiguration(attack: .badnet).schedule == .cosine)
  }
}
