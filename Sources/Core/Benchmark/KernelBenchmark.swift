import Distributed

/// Times each convolution of ResNet18 alone, in all directions, after it was checked against patch
/// matrices.
///
/// The input's gradient cannot be computed without the weight's, so its time is that of both less
/// that of the weight's, call by call.
package struct KernelBenchmark: Sendable {
  /// What is computed of a convolution.
  package enum Direction: String, CaseIterable, Sendable {
    /// The output.
    case forward
    /// The weight's gradient alone, as in the stem.
    case weightGradient = "weight_gradient"
    /// What the input's gradient takes on top of that.
    case inputGradient = "input_gradient"
  }

  /// One direction of one layer.
  package struct Measurement: Sendable {
    /// What was computed.
    package var direction: Direction
    /// |kernel - patch matrices| / |patch matrices|, Euclidean; 0 where the kernel is the latter.
    package var error: Double
    /// Wall seconds of one call.
    package var seconds: StepBenchmark.Spread
    /// Processor seconds of one call, over all threads.
    package var cpuSeconds: StepBenchmark.Spread
  }

  /// One layer in all its directions; the stem has no input gradient.
  package struct LayerReport: Sendable {
    /// What was timed.
    package var layer: ConvolutionLayer
    /// The kernel that the engine chose: winograd or im2col.
    package var kernel: String
    /// Floating-point operations of one direct convolution of the batch, taps in the padding
    /// included.
    package var directOperations: Double
    /// Floating-point operations of the kernel's matrix products.
    package var productOperations: Double
    /// Its directions, in `Direction`'s order.
    package var measurements: [Measurement]
  }

  /// The largest error that passes: twice what each side may be off the exact result.
  package static let largestError = 8e-6
  /// The same of products of 16-bit integers: half of what PyTorch's bfloat16 is off.
  package static let largestInt16Error = 1.5e-3

  /// Planes of the first stage.
  package var width: Int
  /// Images per call.
  package var batchSize: Int
  /// Threads that share the work.
  package var threads: Int
  /// Timed calls of each direction.
  package var steps: Int
  /// In what numbers convolutions multiply.
  package var precision: PrecisionChoice
  /// What counts as a failed check.
  package var errorLimit: Double

  /// A benchmark of the layers that 32x32 images pass through.
  package init(
    width: Int, batchSize: Int, threads: Int, steps: Int, precision: PrecisionChoice = .float32
  ) {
    self.width = width
    self.batchSize = batchSize
    self.threads = threads
    self.steps = steps
    self.precision = precision
    errorLimit = precision.resolved == .float32 ? Self.largestError : Self.largestInt16Error
  }

  /// Checks and times every distinct layer; throws `KernelMismatch` at the first that fails.
  package func run() throws -> [LayerReport] {
    let context = ComputeContext(threads: threads, precision: precision)
    return try ConvolutionLayer.ofResNet18(width: width).map { layer in
      let run = LayerRun(layer, batch: batchSize)
      let errors = run.errors(context: context)
      for (direction, error) in errors where !(error < errorLimit) {
        throw KernelMismatch(
          what: "\(direction.rawValue) of \(layer.name)", reference: "patch matrices'",
          error: error, limit: errorLimit)
      }
      let times = run.times(context: context, steps: steps)
      let work = run.work
      return LayerReport(
        layer: layer, kernel: work.kernel, directOperations: work.direct,
        productOperations: work.products,
        measurements: errors.map { direction, error in
          let time = times[direction] ?? []
          return Measurement(
            direction: direction, error: error, seconds: .init(time.map(\.wall)),
            cpuSeconds: .init(time.map(\.cpu)))
        })
    }
  }
}

/// A kernel's results are not those of its reference.
package struct KernelMismatch: Error, CustomStringConvertible {
  /// The result, by name.
  package var what: String
  /// Whose result it was compared with, in the genitive.
  package var reference: String
  /// Their distance, relative.
  package var error: Double
  /// The largest that passes.
  package var limit: Double

  package var description: String {
    "bench kernels: \(what) differs from the \(reference) by \(error) (relative L2; less than "
      + "\(limit) would be right)"
  }
}

/// A convolution of ResNet18, and how many of its kind the network has.
package struct ConvolutionLayer: Sendable {
  /// Its sizes.
  package var geometry: ConvolutionGeometry
  /// Layers of these sizes in the network.
  package var count: Int
  /// Whether its input is the images, whose gradient nobody asks for.
  package var isStem: Bool { geometry.inputChannels == 3 }
  /// Kernel, stride, channels and size in one word: `3x3/2-64-128@32`.
  package var name: String {
    "\(geometry.kernel)x\(geometry.kernel)/\(geometry.stride)-\(geometry.inputChannels)-"
      + "\(geometry.outputChannels)@\(geometry.inputHeight)"
  }

  /// The 11 distinct layers among the 20, for 32x32 images.
  package static func ofResNet18(width: Int) -> [ConvolutionLayer] {
    func layer(_ kernel: Int, _ stride: Int, _ input: Int, _ output: Int, _ size: Int, _ n: Int)
      -> ConvolutionLayer
    {
      ConvolutionLayer(
        geometry: ConvolutionGeometry(
          inputHeight: size, inputWidth: size, inputChannels: input, outputChannels: output,
          kernel: kernel, stride: stride, padding: kernel / 2), count: n)
    }
    let stages = 0..<4
    return [layer(3, 1, 3, width, 32, 1)]
      + stages.map { layer(3, 1, width << $0, width << $0, 32 >> $0, $0 == 0 ? 4 : 3) }
      + stages.dropLast().map { layer(3, 2, width << $0, width << ($0 + 1), 32 >> $0, 1) }
      + stages.dropLast().map { layer(1, 2, width << $0, width << ($0 + 1), 32 >> $0, 1) }
  }
}
