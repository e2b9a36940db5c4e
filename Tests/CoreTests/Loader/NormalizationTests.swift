import Core
import Testing

@Suite struct NormalizationTests {
  /// Bits that torch 2.13 gives for x.float().div(255).sub(mean).div(std) at x = 0, 1, 128, 255.
  @Test func valuesHaveTorchsBits() {
    let expected: [[UInt32]] = [
      [0xBFFE_A713, 0xBFFC_9ED3, 0x3D2F_2140, 0x4003_C873],
      [0xBFFD_FF94, 0xBFFB_EEC3, 0x3DA6_8B39, 0x4008_6014],
      [0xBFDA_F922, 0xBFD9_0CCA, 0x3E59_97E7, 0x4007_B961],
    ]
    let table = Normalization.cifar10.table
    for (channel, bits) in expected.enumerated() {
      let found = [0, 1, 128, 255].map { table[channel * 256 + $0].bitPattern }
      #expect(found == bits, "channel \(channel)")
    }
  }
}
