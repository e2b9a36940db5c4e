import Core
import Distributed
import Testing

/// Winograd's convolution against direct sums in double precision and against patch matrices.
@Suite struct WinogradConvolutionTests {
  static let layers = [
    ConvolutionProblem(32, 64, 64), ConvolutionProblem(16, 128, 128),
    ConvolutionProblem(8, 256, 256), ConvolutionProblem(4, 512, 512),
    ConvolutionProblem(32, 64, 128, stride: 2), ConvolutionProblem(16, 128, 256, stride: 2),
    ConvolutionProblem(8, 256, 512, stride: 2),
    ConvolutionProblem(32, 16, 16), ConvolutionProblem(16, 16, 32, stride: 2),
  ]

  static let oddShapes = [1, 2, 3, 5].flatMap { batch in
    [
      ConvolutionProblem(4, 16, 16, batch: batch), ConvolutionProblem(12, 16, 48, batch: batch),
      ConvolutionProblem(8, 48, 16, stride: 2, batch: batch),
      ConvolutionProblem(24, 16, 32, stride: 2, batch: batch),
      ConvolutionProblem(4, 256, 272, batch: batch),
      ConvolutionProblem(8, 256, 272, stride: 2, batch: batch),
    ]
  }

  func compute(
    _ convolution: ConvolutionProblem, _ operands: ConvolutionProblem.Operands, threads: Int,
    accumulateOnto start: Float? = nil, precision: PrecisionChoice = .float32
  ) throws -> ConvolutionProblem.Results<Float> {
    let winograd = try #require(
      WinogradConvolution(convolution.geometry, for: precision.resolved))
    let context = ComputeContext(threads: threads, precision: precision)
    let output = FloatBuffer([Float](repeating: start ?? .nan, count: convolution.outputCount))
    let gradient = FloatBuffer([Float](repeating: start ?? .nan, count: convolution.inputCount))
    let weightGradient = FloatBuffer([Float](repeating: start ?? 0, count: convolution.weightCount))
    winograd.forward(
      input: ConvolutionInput(operands.input.pointer), weights: operands.weights.pointer,
      output: output.pointer, batch: convolution.batch, accumulate: start != nil, context: context)
    winograd.backward(
      input: ConvolutionInput(operands.input.pointer),
      outputGradient: ConvolutionOutputGradient(operands.outputGradient.pointer),
      weights: operands.weights.pointer, weightGradient: weightGradient.pointer,
      inputGradient: ConvolutionInputGradient(gradient.pointer, accumulate: start != nil),
      batch: convolution.batch, context: context)
    return ConvolutionProblem.Results(
      output: output.array, inputGradient: gradient.array, weightGradient: weightGradient.array)
  }

  @Test(arguments: layers)
  func forwardErrorIsBelowTwoMillionths(_ convolution: ConvolutionProblem) throws {
    let operands = convolution.operands
    let results = try compute(convolution, operands, threads: 2)
    #expect(euclideanError(results.output, convolution.reference(operands).output) < 2e-6)
  }

  @Test(arguments: layers)
  func gradientErrorIsBelowFourMillionths(_ convolution: ConvolutionProblem) throws {
    let operands = convolution.operands
    let results = try compute(convolution, operands, threads: 2)
    let reference = convolution.reference(operands)
    #expect(euclideanError(results.inputGradient, reference.inputGradient) < 4e-6)
    #expect(euclideanError(results.weightGradient, reference.weightGradient) < 4e-6)
  }

  @Test(arguments: oddShapes, [1, 2, 3])
  func anyBatchAndThreadCountAgreeWithDirectSums(
    _ convolution: ConvolutionProblem, threads: Int
  ) throws {
    let operands = convolution.operands
    let results = try compute(convolution, operands, threads: threads)
    let reference = convolution.reference(operands)
    #expect(euclideanError(results.output, reference.output) < 2e-6)
    #expect(euclideanError(results.inputGradient, reference.inputGradient) < 4e-6)
    #expect(euclideanError(results.weightGradient, reference.weightGradient) < 4e-6)
  }

  @Test(arguments: [
    ConvolutionProblem(8, 16, 32, batch: 5), ConvolutionProblem(16, 16, 32, stride: 2, batch: 5),
  ])
  func resultsAreAddedToWhatIsThere(_ convolution: ConvolutionProblem) throws {
    let operands = convolution.operands
    let results = try compute(convolution, operands, threads: 2, accumulateOnto: 3)
    let reference = convolution.reference(operands)
    #expect(euclideanError(results.output.map { $0 - 3 }, reference.output) < 2e-6)
    #expect(euclideanError(results.inputGradient.map { $0 - 3 }, reference.inputGradient) < 4e-6)
    #expect(euclideanError(results.weightGradient.map { $0 - 3 }, reference.weightGradient) < 4e-6)
  }

  @Test(arguments: [1, 2, 3], [PrecisionChoice.float32, .int16])
  func sameThreadCountGivesSameBits(threads: Int, precision: PrecisionChoice) throws {
    for convolution in [
      ConvolutionProblem(16, 16, 16, batch: 5), ConvolutionProblem(16, 16, 32, stride: 2, batch: 5),
      ConvolutionProblem(4, 256, 256, batch: 4), ConvolutionProblem(4, 256, 272, batch: 5),
    ] {
      let operands = convolution.operands
      let first = try compute(convolution, operands, threads: threads, precision: precision)
      let second = try compute(convolution, operands, threads: threads, precision: precision)
      #expect(first.output == second.output)
      #expect(first.inputGradient == second.inputGradient)
      #expect(first.weightGradient == second.weightGradient)
    }
  }

  /// Three threads cannot share eight chunks evenly, and so take the weights packed beforehand.
  @Test(
    arguments: [
      ConvolutionProblem(4, 256, 256, batch: 5),
      ConvolutionProblem(8, 256, 256, stride: 2, batch: 5),
    ], [PrecisionChoice.float32, .int16])
  func chunksOfWeightsGiveTheSameBits(
    _ convolution: ConvolutionProblem, precision: PrecisionChoice
  ) throws {
    let plan = try #require(WinogradPlan(convolution.geometry, for: precision.resolved))
    #expect(WinogradChunks.suit(plan, batch: convolution.batch, threads: 2))
    #expect(!WinogradChunks.suit(plan, batch: convolution.batch, threads: 3))
    #expect(!WinogradChunks.suit(plan, batch: 200, threads: 2))
    let operands = convolution.operands
    let chunked = try compute(convolution, operands, threads: 2, precision: precision)
    let whole = try compute(convolution, operands, threads: 3, precision: precision)
    #expect(chunked.output == whole.output)
    #expect(chunked.inputGradient == whole.inputGradient)
    #expect(chunked.weightGradient == whole.weightGradient)
  }

  @Test func sizesThatDoNotSuitAreRefused() {
    #expect(WinogradConvolution(ConvolutionProblem(6, 16, 16).geometry) == nil)
    #expect(WinogradConvolution(ConvolutionProblem(8, 8, 16).geometry) == nil)
    #expect(WinogradConvolution(ConvolutionProblem(8, 16, 24).geometry) == nil)
    #expect(WinogradConvolution(ConvolutionProblem(12, 16, 16, stride: 2).geometry) == nil)
  }

  @Test(arguments: layers.prefix(2) + layers.suffix(2))
  func patchMatricesAgreeWithDirectSums(_ convolution: ConvolutionProblem) {
    let operands = convolution.operands
    let context = ComputeContext(threads: 2)
    let output = FloatBuffer(count: convolution.outputCount)
    Im2ColConvolution(geometry: convolution.geometry).forward(
      input: ConvolutionInput(operands.input.pointer), weights: operands.weights.pointer,
      output: output.pointer, batch: convolution.batch, accumulate: false, context: context)
    #expect(euclideanError(output.array, convolution.reference(operands).output) < 1e-6)
  }
}
