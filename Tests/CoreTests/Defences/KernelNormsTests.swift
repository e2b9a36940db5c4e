import Core
import TestSupport
import Testing

@Suite struct KernelNormsTests {
  /// Channel c is (c + 1) (u vᵀ + 0.6 w zᵀ), u and w being orthonormal, and v and z: its norm is c + 1.
  ///
  /// The last channel is all zeros.
  @Test(arguments: [3, 8, 13]) func normsOfSumsOfOrthogonalParts(outputs: Int) {
    let (inputs, area) = (4, 9)
    var plan = ParameterLayoutPlan()
    let kernel = plan.parameter("kernel", shape: [outputs, inputs, 3, 3], role: .kernel)
    let store = ParameterStore(plan)
    let (u, w): ([Float], [Float]) = ([0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5])
    for input in 0..<inputs {
      for place in 0..<area {
        let v: Float = place < 4 ? 0.5 : 0
        let z: Float = place >= 5 ? 0.5 : 0
        for channel in 0..<outputs - 1 {
          store.values.pointer[kernel.offset + (place * inputs + input) * outputs + channel] =
            Float(channel + 1) * (u[input] * v + 0.6 * w[input] * z)
        }
      }
    }
    let norms = KernelNorms.squared(of: kernel, in: store).map { $0.squareRoot() }
    let expected = (1..<outputs).map { Double($0) } + [0]
    #expect(norms.count == outputs)
    for (norm, own) in zip(norms, expected) { #expect(abs(norm - own) <= 1e-6 * own, "\(norms)") }
  }
}
