import Core
import Distributed
import Testing

/// BatchNorm, residual sum and ReLU applied as a convolution writes are those applied afterwards, to
/// the bit.
@Suite struct ConvolutionFinishTests {
  /// Winograd at both strides, with blocks per thread and shared ones, and patch matrices.
  static let problems = [
    ConvolutionProblem(8, 16, 32, batch: 3), ConvolutionProblem(16, 32, 16, stride: 2, batch: 3),
    ConvolutionProblem(4, 256, 256, batch: 3), ConvolutionProblem(8, 256, 256, stride: 2, batch: 3),
    ConvolutionProblem(6, 5, 7, batch: 3),
  ]

  static func forward(
    _ problem: ConvolutionProblem, _ operands: ConvolutionProblem.Operands,
    _ finish: ConvolutionFinish?
  ) -> FloatBuffer {
    let output = FloatBuffer([Float](repeating: .nan, count: problem.outputCount))
    let context = ComputeContext(threads: 2)
    let input = ConvolutionInput(operands.input.pointer)
    if let winograd = WinogradConvolution(problem.geometry) {
      winograd.forward(
        input: input, weights: operands.weights.pointer, output: output.pointer,
        batch: problem.batch, finish: finish, context: context)
    } else {
      Im2ColConvolution(geometry: problem.geometry).forward(
        input: input, weights: operands.weights.pointer, output: output.pointer,
        batch: problem.batch, finish: finish, context: context)
    }
    return output
  }

  /// [max 0](scale x + shift [+ residual]), with one rounding for the product and its sum.
  static func normalized(
    _ x: Float, _ scale: Float, _ shift: Float, residual: Float?, relu: Bool
  ) -> Float {
    let value = shift.addingProduct(x, scale) + (residual ?? 0)
    return relu && value < 0 ? 0 : value
  }

  @Test(arguments: problems) func finishingIsNormalizingThePlainOutput(
    _ problem: ConvolutionProblem
  ) {
    let (operands, outputs) = (problem.operands, problem.geometry.outputChannels)
    var stream = RandomStream(seed: 3, purpose: .test)
    func normal(_ count: Int) -> FloatBuffer {
      FloatBuffer((0..<count).map { _ in stream.nextNormal() })
    }
    let (scale, shift) = (normal(outputs), normal(outputs))
    let residual = normal(problem.outputCount)
    let affine = ChannelAffine(scale: scale.pointer, shift: shift.pointer)
    for (hasResidual, relu) in [(false, false), (false, true), (true, false), (true, true)] {
      let finished = Self.forward(
        problem, operands,
        ConvolutionFinish(
          affine: affine, residual: hasResidual ? residual.pointer : nil, relu: relu))
      let plain = Self.forward(problem, operands, nil).array
      let expected = plain.indices.map { index in
        Self.normalized(
          plain[index], scale.pointer[index % outputs], shift.pointer[index % outputs],
          residual: hasResidual ? residual.pointer[index] : nil, relu: relu)
      }
      #expect(
        finished.array == expected,
        "residual \(hasResidual), relu \(relu)")
    }
  }
}
