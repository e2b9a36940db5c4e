import Core
import Distributed
import Testing

/// One convolution with random operands: activations after a ReLU, He-scaled weights, a normal
/// gradient.
struct ConvolutionProblem: CustomTestStringConvertible {
  var geometry: ConvolutionGeometry
  var batch: Int

  init(_ size: Int, _ channels: Int, _ outputs: Int, stride: Int = 1, batch: Int = 2) {
    geometry = ConvolutionGeometry(
      inputHeight: size, inputWidth: size, inputChannels: channels, outputChannels: outputs,
      kernel: 3, stride: stride, padding: 1)
    self.batch = batch
  }

  var testDescription: String {
    "\(batch)x\(geometry.inputHeight)x\(geometry.inputWidth)x\(geometry.inputChannels)"
      + " to \(geometry.outputChannels), stride \(geometry.stride)"
  }

  var inputCount: Int {
    batch * geometry.inputHeight * geometry.inputWidth * geometry.inputChannels
  }
  var outputCount: Int { batch * geometry.outputPixels * geometry.outputChannels }
  var weightCount: Int { geometry.patchSize * geometry.outputChannels }

  /// What is convolved.
  struct Operands {
    var input: FloatBuffer
    var weights: FloatBuffer
    var outputGradient: FloatBuffer
  }

  var operands: Operands {
    var stream = RandomStream(seed: 7, purpose: .test)
    let deviation = (2 / Float(geometry.patchSize)).squareRoot()
    return Operands(
      input: FloatBuffer((0..<inputCount).map { _ in max(stream.nextNormal(), 0) }),
      weights: FloatBuffer((0..<weightCount).map { _ in stream.nextNormal() * deviation }),
      outputGradient: FloatBuffer((0..<outputCount).map { _ in stream.nextNormal() }))
  }

  /// What is computed from the operands.
  struct Results<Scalar: BinaryFloatingPoint> {
    var output: [Scalar]
    var inputGradient: [Scalar]
    var weightGradient: [Scalar]
  }

  /// Direct sums in double precision.
  func reference(_ operands: Operands) -> Results<Double> {
    let (x, w, g) = (
      operands.input.array.map(Double.init), operands.weights.array.map(Double.init),
      operands.outputGradient.array.map(Double.init)
    )
    var results = Results(
      output: [Double](repeating: 0, count: outputCount),
      inputGradient: [Double](repeating: 0, count: inputCount),
      weightGradient: [Double](repeating: 0, count: weightCount))
    let (channels, outputs) = (geometry.inputChannels, geometry.outputChannels)
    forEachTap { pixel, input, tap in
      for c in 0..<channels {
        let (i, k) = (input * channels + c, (tap * channels + c) * outputs)
        var sum = 0.0
        for o in 0..<outputs {
          let p = pixel * outputs + o
          results.output[p] += x[i] * w[k + o]
          results.weightGradient[k + o] += x[i] * g[p]
          sum += g[p] * w[k + o]
        }
        results.inputGradient[i] += sum
      }
    }
    return results
  }

  /// Calls `body` with every output pixel, each input pixel that it sees, and the tap between them.
  private func forEachTap(_ body: (_ pixel: Int, _ input: Int, _ tap: Int) -> Void) {
    for image in 0..<batch {
      for y in 0..<geometry.outputHeight {
        for x in 0..<geometry.outputWidth {
          let pixel = (image * geometry.outputHeight + y) * geometry.outputWidth + x
          for tap in 0..<9 {
            let row = y * geometry.stride + tap / 3 - 1
            let column = x * geometry.stride + tap % 3 - 1
            guard (0..<geometry.inputHeight).contains(row),
              (0..<geometry.inputWidth).contains(column)
            else { continue }
            body(
              pixel, (image * geometry.inputHeight + row) * geometry.inputWidth + column, tap)
          }
        }
      }
    }
  }
}

/// |value - reference| / |reference| in the Euclidean norm.
func euclideanError<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(
  _ values: [A], _ reference: [B]
) -> Double {
  var (difference, norm) = (0.0, 0.0)
  for (value, expected) in zip(values, reference) {
    difference += (Double(value) - Double(expected)) * (Double(value) - Double(expected))
    norm += Double(expected) * Double(expected)
  }
  return (difference / norm).squareRoot()
}
