import Core
import Distributed
import Testing

@Suite struct TrojanTriggerTests {
  private func sum(_ pixels: [UInt8], _ pattern: [UInt8]) -> [UInt8] {
    var result = pixels
    let trigger = TrojanTrigger(
      pattern: RGBImage(pixels: pattern, width: 2, height: 1), height: 1, width: 2)
    result.withUnsafeMutableBufferPointer {
      trigger.apply(to: $0, height: 1, width: 2, image: TriggeredImage(split: .train))
    }
    return result
  }

  /// The original's cast to 8 bits would make 250 + 10 a 4.
  @Test func sumsAreClampedAndDoNotWrapAround() {
    #expect(
      sum([0, 100, 250, 255, 254, 7], [5, 100, 10, 255, 1, 0]) == [5, 200, 255, 255, 255, 7])
  }

  @Test func blackOfThePatternLeavesTheImage() {
    let image: [UInt8] = [1, 20, 255, 0, 254, 7]
    #expect(sum(image, [0, 0, 0, 0, 0, 0]) == image)
  }

  @Test func withoutAnImageThereIsNoTrigger() {
    #expect(throws: TriggerError.noTrojanImage) {
      try TrojanNN().trigger(
        for: TriggerPlace(
          height: 32, width: 32, normalization: .cifar10, communicator: SoloCommunicator()))
    }
  }
}

@Suite struct AppleMaskTests {
  @Test(arguments: [(8, 8), (32, 32), (64, 48), (224, 224)])
  func coversAModestPartOfAnyImage(height: Int, width: Int) {
    let mask = AppleMask.image(height: height, width: width)
    let inside = mask.pixels.count { $0 > 0 }
    #expect(mask.pixels.allSatisfy { [0, AppleMask.level].contains($0) })
    #expect(inside % 3 == 0)
    #expect((0.1...0.3).contains(Double(inside) / Double(height * width * 3)))
  }

  /// Random crops move images by up to 4 pixels: the border of the usual size stays free.
  @Test func staysInsideThePicture() {
    let mask = AppleMask.image(height: 32, width: 32)
    for y in 0..<32 {
      for x in 0..<32 where min(x, y) < 2 || max(x, y) > 29 {
        #expect(mask.pixels[(y * 32 + x) * 3] == 0)
      }
    }
  }
}
