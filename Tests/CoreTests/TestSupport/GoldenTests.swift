import TestSupport
import Testing

/// What the other suites rely on: the formula, the layouts, and comparisons that notice.
@Suite("Golden")
struct GoldenTests {
  @Test(arguments: ["", "dot/0", "linear/weight"])
  func formulaEqualsThePythonOne(_ name: String) throws {
    let key = name.isEmpty ? "empty" : name.replacing("/", with: "_")
    let expected = try Golden.load("formula").numbers(key)
    #expect(Formula.uniform(name, count: 6).map { Float($0) } == expected.map { Float($0) })
  }

  @Test func layoutsAreInverseAndAsNamed() {
    let shape = [2, 3, 4, 5]
    let values = (0..<120).map { Float($0) }
    let nhwc = Layout.nhwc(values, shape: shape)
    // [n, c, h, w] = [1, 2, 3, 4] lies at ((1 * 3 + 2) * 4 + 3) * 5 + 4 and ((1 * 4 + 3) * 5 + 4) *
    // 3 + 2.
    #expect(nhwc[119] == 119 && nhwc[1] == 20 && nhwc[3] == 1)
    #expect(Layout.nchw(nhwc, shape: shape) == values)
    let hwio = Layout.hwio(values, shape: shape)
    #expect(hwio[1] == 60 && hwio[2] == 20 && hwio[6] == 1)
    #expect(Layout.oihw(hwio, shape: shape) == values)
  }

  /// One value that is wrong by 1 % of the norm, anywhere, or two values exchanged.
  @Test func anyWrongValueShowsInAProjectedTensor() throws {
    let test = try ConvolutionCase("conv3x3_stride1_2x9x11x16_to_24")
    let (golden, right) = (try test.golden.tensor("output"), test.forward().nchw)
    #expect(golden.values == nil && golden.relativeError(of: right) < 2e-6)
    let length = Float(dot(right, right).squareRoot())
    for index in stride(from: 0, to: right.count, by: 97) {
      var wrong = right
      wrong[index] += 0.01 * length
      let error = golden.relativeError(of: wrong)
      #expect(error > 0.003 && error < 1)
      wrong = right
      wrong.swapAt(index, (index + 50) % right.count)
      #expect(golden.relativeError(of: wrong) > 1e-5)
    }
  }

  @Test func noProjectionAcceptsAWrongCountOrANaN() throws {
    let golden = try Golden.load("resnet18_width4").tensor("sgd/gradients/layer4.1.conv2.weight")
    #expect(golden.values == nil && golden.count == 32 * 32 * 9)
    #expect(golden.relativeError(of: []) == .infinity)
    #expect(golden.relativeError(of: [Float](repeating: .nan, count: golden.count)) == .infinity)
  }

  @Test func relativeErrorIsThatOfTheNorms() {
    #expect(abs(relativeL2Error([3, 4.5], [3, 4] as [Double]) - 0.1) < 1e-12)
    #expect(relativeL2Error([1], [1, 2] as [Double]) == .infinity)
  }
}
