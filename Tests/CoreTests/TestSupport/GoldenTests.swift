import TestSupport
import Testing

/// What the other suites rely on: the formula, the layouts, and comparisons that notice.
@Suite("Golden")
struct GoldenTests {
  @Test(arguments: ["", "sign/0", "images/0"])
  func formulaEqualsThePythonOne(_ name: String) throws {
    let key = name.isEmpty ? "empty" : name.replacing("/", with: "_")
    let expected = try Golden.load("formula").numbers(key)
    #expect(Formula.uniform(name, count: 6).map { Float($0) } == expected.map { Float($0) })
  }

  @Test func layoutsAreInverseAndAsNamed() {
    let shape = [2, 3, 4, 5]
    let values = (0..<120).map { Float($0) }
    let nhwc = Layout.nhwc(values, shape: shape)
    // [n, c, h, w] = [1, 2, 3, 4] lies at ((1 * 3 + 2) * 4 + 3) * 5 + 4 and ((1 * 4 + 3) * 5 + 4) * 3 + 2.
    #expect(nhwc[119] == 119 && nhwc[1] == 20 && nhwc[3] == 1)
    #expect(Layout.nchw(nhwc, shape: shape) == values)
    let hwio = Layout.hwio(values, shape: shape)
    #expect(hwio[1] == 60 && hwio[2] == 20 && hwio[6] == 1)
    #expect(Layout.oihw(hwio, shape: shape) == values)
  }

  @Test func anyWrongValueShowsInAProjectedTensor() throws {
    let golden = try Golden.load("resnet18_width4")
      .tensor("sgd/gradients/layer4.1.conv2.weight")
    #expect(golden.values == nil && golden.count == 32 * 32 * 9)
    // A stand-in with the right count: zero is off by the whole norm.
    let error = golden.relativeError(of: [Float](repeating: 0, count: golden.count))
    #expect(error > 0.5 && error < 5)
    #expect(golden.relativeError(of: []) == .infinity)
    #expect(
      golden.relativeError(of: [Float](repeating: .nan, count: golden.count)) == .infinity)
  }

  @Test func relativeErrorIsThatOfTheNorms() {
    #expect(abs(relativeL2Error([3, 4.5], [3, 4] as [Double]) - 0.1) < 1e-12)
    #expect(relativeL2Error([1], [1, 2] as [Double]) == .infinity)
  }
}
