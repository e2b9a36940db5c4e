import CompressionShim
import Testing

@Suite struct HalfPrecisionTests {
  /// Floats and the bits of their halves, by IEEE 754's rules.
  static let table: [(float: Float, half: UInt16)] = [
    (0, 0x0000), (-0.0, 0x8000), (1, 0x3c00), (-2, 0xc000), (0.5, 0x3800), (1.0 / 3, 0x3555),
    // Ties go to the even mantissa, a little more or less to the nearest.
    (1 + 0x1p-11, 0x3c00), (1 + 0x3p-11, 0x3c02), (1 + 0x1.002p-11, 0x3c01),
    (2049, 0x6800), (2051, 0x6802), (2050, 0x6801),
    // The smallest normal half, and the rounding up to it.
    (0x1p-14, 0x0400), (0x1p-14 - 0x1p-26, 0x0400), (0x1p-14 - 0x1p-24, 0x03ff),
    // Subnormals are multiples of 2^-24.
    (0x1p-24, 0x0001), (-0x3p-24, 0x8003), (0x1p-25, 0x0000), (0x1.002p-25, 0x0001),
    (0x3p-25, 0x0002), (0x5p-25, 0x0002), (0x1p-26, 0x0000), (1e-30, 0x0000),
    (.leastNonzeroMagnitude, 0x0000), (-.leastNonzeroMagnitude, 0x8000),
    // The largest half, and what saturates.
    (65504, 0x7bff), (65519, 0x7bff), (65520, 0x7bff), (65488, 0x7bfe), (1e5, 0x7bff),
    (-1e5, 0xfbff), (.greatestFiniteMagnitude, 0x7bff), (-.greatestFiniteMagnitude, 0xfbff),
    (.infinity, 0x7c00), (-.infinity, 0xfc00), (.nan, 0x7e00),
  ]

  @Test(arguments: table.indices) func floatsRoundAsTheTableSays(index: Int) {
    let (float, half) = Self.table[index]
    #expect(fst_half_from_float(float) == half, "\(float)")
    #expect(fst_half_from_float_bitwise(float) == half, "\(float) without a half type")
  }

  /// The values of all halves, from their definition.
  private static func value(_ half: UInt16) -> Float {
    let (exponent, mantissa) = (Int(half >> 10 & 31), Float(half & 0x3ff))
    let sign: Float = half >> 15 == 0 ? 1 : -1
    if exponent == 31 { return mantissa == 0 ? sign * .infinity : .nan }
    if exponent == 0 { return sign * mantissa * 0x1p-24 }
    return sign * Float(sign: .plus, exponent: exponent - 25, significand: 1024 + mantissa)
  }

  @Test func everyHalfHasItsValueAndComesBack() {
    for half in UInt16.min...UInt16.max {
      let expected = Self.value(half)
      for found in [fst_half_to_float(half), fst_half_to_float_bitwise(half)] {
        guard !expected.isNaN else {
          #expect(found.isNaN)
          continue
        }
        #expect(found.bitPattern == expected.bitPattern, "\(half)")
        #expect(fst_half_from_float(found) == half)
        #expect(fst_half_from_float_bitwise(found) == half)
      }
    }
  }

  /// Between neighbours the nearer one is taken, and in the middle the even one.
  @Test func everythingBetweenTwoHalvesRoundsToTheNearer() {
    for half in UInt16(0)..<0x7bff {
      let (lower, upper) = (Self.value(half), Self.value(half + 1))
      let middle = lower + (upper - lower) / 2
      let even = half.isMultiple(of: 2) ? half : half + 1
      for (float, expected) in [(middle.nextDown, half), (middle, even), (middle.nextUp, half + 1)]
      where
        fst_half_from_float(float) != expected || fst_half_from_float(-float) != expected | 0x8000
        || fst_half_from_float_bitwise(float) != expected
        || fst_half_from_float_bitwise(-float) != expected | 0x8000
      {
        Issue.record("\(float) is not \(expected)")
      }
    }
  }

  /// Lengths that fill no vector too.
  @Test(arguments: [0, 1, 7, 8, 9, 63, 1000]) func whatRoundingLosesIsKept(count: Int) {
    let values = (0..<count).map { 1e5 / Float(1 + $0 * $0) - 20 }
    let before = (0..<count).map { 1e-3 / Float(1 + $0) }
    var errors = before
    var halves = [UInt16](repeating: 0, count: count)
    fst_half_compress(values, &errors, &halves, count)
    for index in 0..<count {
      let value = values[index] + before[index]
      #expect(halves[index] == fst_half_from_float(value))
      #expect(errors[index] == value - fst_half_to_float(halves[index]))
    }
    var expanded = [Float](repeating: 0, count: count)
    fst_half_expand(halves, &expanded, count)
    #expect(expanded == halves.map { fst_half_to_float($0) })
    fst_half_add(halves, &expanded, count)
    #expect(expanded == halves.map { 2 * fst_half_to_float($0) })
    var both = before
    fst_half_round_sums(values, &both, &halves, count)
    for index in 0..<count {
      #expect(halves[index] == fst_half_from_float(values[index]))
      #expect(
        both[index] == before[index] + (values[index] - fst_half_to_float(halves[index])))
    }
  }
}
