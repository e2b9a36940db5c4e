import CompressionShim
import Testing

@Suite struct BfloatTests {
  /// Floats and the bits of their bfloat16 numbers.
  static let table: [(float: Float, bits: UInt16)] = [
    (0, 0x0000), (-0.0, 0x8000), (1, 0x3f80), (-2, 0xc000), (0.5, 0x3f00), (1.0 / 3, 0x3eab),
    // Ties go to the even mantissa, a little more or less to the nearest.
    (1 + 0x1p-8, 0x3f80), (1 + 0x3p-8, 0x3f82), (1 + 0x1.002p-8, 0x3f81),
    (257, 0x4380), (259, 0x4382), (258, 0x4381), (-259, 0xc382),
    // The smallest normal number, and subnormals: multiples of 2^-133.
    (0x1p-126, 0x0080), (0x1p-126 - 0x1p-149, 0x0080), (0x1p-133, 0x0001), (0x1p-134, 0x0000),
    (0x3p-134, 0x0002), (.leastNonzeroMagnitude, 0x0000), (-.leastNonzeroMagnitude, 0x8000),
    // The largest, and what saturates.
    (0x1.fep127, 0x7f7f), (0x1.fefffep127, 0x7f7f), (0x1.ffp127, 0x7f7f),
    (.greatestFiniteMagnitude, 0x7f7f), (-.greatestFiniteMagnitude, 0xff7f),
    (.infinity, 0x7f80), (-.infinity, 0xff80), (.nan, 0x7fc0),
    // A NaN whose payload lies in the lower half alone stays one.
    (Float(bitPattern: 0x7f80_0001), 0x7fc0), (Float(bitPattern: 0xff80_0001), 0xffc0),
  ]

  @Test(arguments: table.indices) func floatsRoundAsTheTableSays(index: Int) {
    let (float, bits) = Self.table[index]
    #expect(fst_bfloat_from_float(float) == bits, "\(float)")
  }

  @Test func everyNumberIsTheUpperHalfOfAFloatAndComesBack() {
    for bits in UInt16.min...UInt16.max {
      let found = fst_bfloat_to_float(bits)
      #expect(found.bitPattern == UInt32(bits) << 16)
      guard !found.isNaN else {
        #expect(Float(bitPattern: UInt32(fst_bfloat_from_float(found)) << 16).isNaN)
        continue
      }
      #expect(fst_bfloat_from_float(found) == bits)
    }
  }

  /// Between neighbours the nearer one is taken, and in the middle the even one.
  @Test func everythingBetweenTwoNumbersRoundsToTheNearer() {
    for bits in UInt16(0)..<0x7f7f {
      let lower = Float(bitPattern: UInt32(bits) << 16)
      let middle = Float(bitPattern: UInt32(bits) << 16 | 0x8000)
      let upper = Float(bitPattern: UInt32(bits + 1) << 16)
      let even = bits.isMultiple(of: 2) ? bits : bits + 1
      for (float, expected) in [
        (lower.nextUp, bits), (middle.nextDown, bits), (middle, even), (middle.nextUp, bits + 1),
        (upper.nextDown, bits + 1),
      ]
      where fst_bfloat_from_float(float) != expected
        || fst_bfloat_from_float(-float) != expected | 0x8000
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
    var bits = [UInt16](repeating: 0, count: count)
    fst_bfloat_compress(values, &errors, &bits, count)
    for index in 0..<count {
      let value = values[index] + before[index]
      #expect(bits[index] == fst_bfloat_from_float(value))
      #expect(errors[index] == value - fst_bfloat_to_float(bits[index]))
    }
    var expanded = [Float](repeating: 0, count: count)
    fst_bfloat_expand(bits, &expanded, count)
    #expect(expanded == bits.map { fst_bfloat_to_float($0) })
    fst_bfloat_add(bits, &expanded, count)
    #expect(expanded == bits.map { 2 * fst_bfloat_to_float($0) })
    var both = before
    fst_bfloat_round_sums(values, &both, &bits, count)
    for index in 0..<count {
      #expect(bits[index] == fst_bfloat_from_float(values[index]))
      #expect(both[index] == before[index] + (values[index] - fst_bfloat_to_float(bits[index])))
    }
  }
}
