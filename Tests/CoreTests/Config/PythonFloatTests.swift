import Core
import Testing

@Suite struct PythonFloatTests {
  /// Expected texts are Python 3's `repr`.
  @Test(arguments: [
    (0.0, "0.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1, "1.0"), (100, "100.0"), (1e-4, "0.0001"),
    (1e-5, "1e-05"), (1.5e-5, "1.5e-05"), (123456.789, "123456.789"),
    (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1.25e16, "1.25e+16"),
    (9007199254740992, "9007199254740992.0"), (1e22, "1e+22"), (1e100, "1e+100"),
    (Double.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
    (0.30000000000000004, "0.30000000000000004"), (2.1167440318292186, "2.1167440318292186"),
    (-1e300, "-1e+300"), (0.00012345, "0.00012345"), (12345678901234568, "1.2345678901234568e+16"),
    (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
  ])
  func equalsPython(value: Double, expected: String) {
    #expect(PythonFloat.repr(value) == expected)
  }

  @Test func readsBackAsTheSameValue() {
    var bits: UInt64 = 0x9e37_79b9_7f4a_7c15
    for _ in 0..<2000 {
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: bits)
      if value.isFinite { #expect(Double(PythonFloat.repr(value)) == value) }
    }
  }
}
