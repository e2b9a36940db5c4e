import Core
import Distributed
import Testing

/// Winograd's convolution with products of 16-bit integers against direct sums in double precision.
///
/// The limit is a third of what PyTorch's bfloat16 is off on the same layers, 2.8e-3 to 2.9e-3. Where
/// the processor has no instruction for the products they are emulated, with the same bits.
@Suite struct Int16ConvolutionTests {
  private static let limit = 1e-3
  /// The same where one value outweighs all others: its channel's weights are then the whole result,
  /// whose rounding errors do not average.
  private static let outlierLimit = 2e-3

  private static let layers = WinogradConvolutionTests.layers
  /// A narrow layer, a wide one by chunks, a wide one in several blocks, and one of stride 2.
  private static let kinds = [
    ConvolutionProblem(16, 32, 32, batch: 5), ConvolutionProblem(4, 256, 272, batch: 5),
    ConvolutionProblem(4, 256, 256, batch: 4), ConvolutionProblem(16, 32, 64, stride: 2, batch: 5),
  ]

  private func compute(
    _ convolution: ConvolutionProblem, _ operands: ConvolutionProblem.Operands, threads: Int = 2,
    accumulateOnto start: Float? = nil
  ) throws -> ConvolutionProblem.Results<Float> {
    try WinogradConvolutionTests().compute(
      convolution, operands, threads: threads, accumulateOnto: start, precision: .int16)
  }

  private func expectNear(
    _ results: ConvolutionProblem.Results<Float>,
    _ reference: ConvolutionProblem.Results<Double>, limit: Double = Self.limit, _ what: Comment
  ) {
    #expect(euclideanError(results.output, reference.output) < limit, what)
    #expect(euclideanError(results.inputGradient, reference.inputGradient) < limit, what)
    #expect(euclideanError(results.weightGradient, reference.weightGradient) < limit, what)
  }

  @Test(arguments: layers) func everyDirectionIsNearDirectSums(
    _ convolution: ConvolutionProblem
  ) throws {
    let operands = convolution.operands
    expectNear(
      try compute(convolution, operands), convolution.reference(operands), "of the network")
  }

  @Test(arguments: WinogradConvolutionTests.oddShapes, [1, 3])
  func anyBatchAndThreadCountAgreeWithDirectSums(
    _ convolution: ConvolutionProblem, threads: Int
  ) throws {
    let operands = convolution.operands
    expectNear(
      try compute(convolution, operands, threads: threads), convolution.reference(operands),
      "\(threads) threads")
  }

  /// Images whose gradients differ by four orders of magnitude, each near its own.
  @Test(arguments: kinds) func smallGradientsBesideLargeOnesKeepTheirPrecision(
    _ convolution: ConvolutionProblem
  ) throws {
    var operands = convolution.operands
    let (outputs, inputs) = (
      convolution.outputCount / convolution.batch, convolution.inputCount / convolution.batch
    )
    var gradient = operands.outputGradient.array
    for index in gradient.indices { gradient[index] *= [1, 1e-2, 1e-4][index / outputs % 3] }
    operands.outputGradient = FloatBuffer(gradient)
    let (results, reference) = (
      try compute(convolution, operands), convolution.reference(operands)
    )
    expectNear(results, reference, "mixed magnitudes")
    for image in 0..<convolution.batch {
      let range = image * inputs..<(image + 1) * inputs
      let error = euclideanError(
        Array(results.inputGradient[range]), Array(reference.inputGradient[range]))
      #expect(error < Self.limit, "image \(image)")
    }
  }

  @Test(arguments: kinds) func oneOutlierSpoilsNothing(_ convolution: ConvolutionProblem) throws {
    for isOfGradient in [false, true] {
      var operands = convolution.operands
      var values = (isOfGradient ? operands.outputGradient : operands.input).array
      values[values.count / 2 + 3] = 1e4
      if isOfGradient {
        operands.outputGradient = FloatBuffer(values)
      } else {
        operands.input = FloatBuffer(values)
      }
      let (results, reference) = (
        try compute(convolution, operands), convolution.reference(operands)
      )
      expectNear(
        results, reference, limit: Self.outlierLimit,
        isOfGradient ? "in the gradient" : "in the input")
      // Images without it do not notice.
      let outputs = convolution.outputCount / convolution.batch
      let error = euclideanError(
        Array(results.output[..<outputs]), Array(reference.output[..<outputs]))
      #expect(error < Self.limit)
    }
  }

  @Test(arguments: kinds) func resultsAreAddedToWhatIsThere(
    _ convolution: ConvolutionProblem
  ) throws {
    let operands = convolution.operands
    let plain = try compute(convolution, operands)
    let added = try compute(convolution, operands, accumulateOnto: 3)
    #expect(euclideanError(added.output.map { $0 - 3 }, plain.output) < 1e-5)
    #expect(euclideanError(added.inputGradient.map { $0 - 3 }, plain.inputGradient) < 1e-5)
    #expect(euclideanError(added.weightGradient.map { $0 - 3 }, plain.weightGradient) < 1e-5)
  }
}
