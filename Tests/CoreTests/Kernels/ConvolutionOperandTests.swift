import Core
import Distributed
import Synchronization
import Testing

/// BatchNorm applied as operands are read is BatchNorm applied before; every pixel is announced
/// once.
@Suite struct ConvolutionOperandTests {
  static let problems = [
    ConvolutionProblem(8, 16, 32, batch: 3), ConvolutionProblem(16, 32, 16, stride: 2, batch: 3),
    ConvolutionProblem(4, 256, 256, batch: 3), ConvolutionProblem(8, 256, 256, stride: 2, batch: 3),
    ConvolutionProblem(6, 5, 7, batch: 3),
  ]

  /// Forward and backward by Winograd's algorithm where it suits, else by patch matrices.
  static func compute(
    _ problem: ConvolutionProblem, _ input: ConvolutionInput,
    _ gradient: ConvolutionOutputGradient, weights: FloatBuffer,
    outputReady: PixelsReady = { _, _ in }, inputReady: PixelsReady = { _, _ in }
  ) -> ConvolutionProblem.Results<Float> {
    let context = ComputeContext(threads: 2)
    let output = FloatBuffer(count: problem.outputCount)
    let inputGradient = FloatBuffer(count: problem.inputCount)
    let weightGradient = FloatBuffer(count: problem.weightCount)
    let target = ConvolutionInputGradient(inputGradient.pointer, accumulate: false)
    if let winograd = WinogradConvolution(problem.geometry) {
      winograd.forward(
        input: input, weights: weights.pointer, output: output.pointer, batch: problem.batch,
        accumulate: false, context: context, ready: outputReady)
      winograd.backward(
        input: input, outputGradient: gradient, weights: weights.pointer,
        weightGradient: weightGradient.pointer, inputGradient: target, batch: problem.batch,
        context: context, ready: inputReady)
    } else {
      let patches = Im2ColConvolution(geometry: problem.geometry)
      patches.forward(
        input: input, weights: weights.pointer, output: output.pointer, batch: problem.batch,
        accumulate: false, context: context, ready: outputReady)
      patches.backward(
        input: input, outputGradient: gradient, weights: weights.pointer,
        weightGradient: weightGradient.pointer, inputGradient: target, batch: problem.batch,
        context: context, ready: inputReady)
    }
    return .init(
      output: output.array, inputGradient: inputGradient.array,
      weightGradient: weightGradient.array)
  }

  @Test(arguments: problems)
  func mapsOfOperandsAreAppliedAsTheyAreRead(_ problem: ConvolutionProblem) {
    let operands = problem.operands
    let (channels, outputs) = (problem.geometry.inputChannels, problem.geometry.outputChannels)
    var stream = RandomStream(seed: 1, purpose: .test)
    func normal(_ count: Int) -> FloatBuffer {
      FloatBuffer((0..<count).map { _ in stream.nextNormal() })
    }
    let (scale, shift) = (normal(channels), normal(channels))
    let (a, b, d, x) = (
      normal(outputs), normal(outputs), normal(outputs), normal(problem.outputCount)
    )
    let mapped = Self.compute(
      problem,
      ConvolutionInput(
        operands.input.pointer, rectified: .init(scale: scale.pointer, shift: shift.pointer)),
      ConvolutionOutputGradient(
        operands.outputGradient.pointer,
        normalization: .init(x: x.pointer, a: a.pointer, b: b.pointer, d: d.pointer)),
      weights: operands.weights)

    let input = FloatBuffer(
      operands.input.array.enumerated().map { index, value in
        max(scale.pointer[index % channels] * value + shift.pointer[index % channels], 0)
      })
    let gradient = FloatBuffer(
      operands.outputGradient.array.enumerated().map { index, value in
        let o = index % outputs
        return a.pointer[o] * value + b.pointer[o] * x.pointer[index] + d.pointer[o]
      })
    let plain = Self.compute(
      problem, ConvolutionInput(input.pointer), ConvolutionOutputGradient(gradient.pointer),
      weights: operands.weights)
    #expect(euclideanError(mapped.output, plain.output) < 2e-6)
    #expect(euclideanError(mapped.inputGradient, plain.inputGradient) < 4e-6)
    #expect(euclideanError(mapped.weightGradient, plain.weightGradient) < 4e-6)
  }

  @Test(arguments: problems)
  func everyPixelIsAnnouncedOnceWithinOneImage(_ problem: ConvolutionProblem) {
    let operands = problem.operands
    let forward = Mutex<[Range<Int>]>([])
    let backward = Mutex<[Range<Int>]>([])
    _ = Self.compute(
      problem, ConvolutionInput(operands.input.pointer),
      ConvolutionOutputGradient(operands.outputGradient.pointer), weights: operands.weights,
      outputReady: { pixels, _ in forward.withLock { $0.append(pixels) } },
      inputReady: { pixels, _ in backward.withLock { $0.append(pixels) } })
    let geometry = problem.geometry
    for (ranges, pixels) in [
      (forward.withLock { $0 }, geometry.outputPixels),
      (backward.withLock { $0 }, geometry.inputHeight * geometry.inputWidth),
    ] {
      let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
      #expect(sorted.flatMap(Array.init) == Array(0..<problem.batch * pixels))
      #expect(sorted.allSatisfy { $0.lowerBound / pixels == ($0.upperBound - 1) / pixels })
    }
  }
}
