import Distributed
import Foundation

/// One layer with random operands, activations after a ReLU and He-scaled weights, and its runs for
/// `KernelBenchmark`.
struct LayerRun {
  typealias Direction = KernelBenchmark.Direction
  /// One call's wall and processor seconds.
  typealias Time = (wall: Double, cpu: Double)

  private let layer: ConvolutionLayer
  private let convolution: Conv2D
  private let store: ParameterStore
  private let x, y, yGradient: Tensor
  /// nil for the stem.
  private let xGradient: Tensor?

  init(_ layer: ConvolutionLayer, batch: Int) {
    let geometry = layer.geometry
    let input = Shape(
      batch: batch, height: geometry.inputHeight, width: geometry.inputWidth,
      channels: geometry.inputChannels)
    var plan = ParameterLayoutPlan()
    convolution = Conv2D(
      "layer", input: input, outputChannels: geometry.outputChannels, kernel: geometry.kernel,
      stride: geometry.stride, plan: &plan)
    store = ParameterStore(plan)
    self.layer = layer
    x = Tensor(input)
    y = Tensor(convolution.outputShape(batch: batch))
    yGradient = Tensor(y.shape)
    xGradient = layer.isStem ? nil : Tensor(input)
    let deviation = (2 / Float(geometry.patchSize)).squareRoot()
    Self.fill(x.pointer, input.count) { layer.isStem ? $0 : max($0, 0) }
    Self.fill(yGradient.pointer, y.shape.count) { $0 }
    Self.fill(store.value(convolution.weight), convolution.weight.count) { $0 * deviation }
  }

  /// Repeats a row of normal values whose length is prime, which is quicker than drawing them all.
  private static func fill(
    _ values: UnsafeMutablePointer<Float>, _ count: Int, _ map: (Float) -> Float
  ) {
    var stream = RandomStream(seed: UInt64(count), purpose: .test)
    let row = (0..<min(count, 65_537)).map { _ in stream.nextNormal() }
    for index in 0..<count { values[index] = map(row[index % row.count]) }
  }

  private func forward(_ context: ComputeContext) {
    convolution.forward(x, into: y, store: store, context: context)
  }

  private func backward(_ xGradient: Tensor?, _ context: ComputeContext) {
    convolution.backward(yGradient, x: x, xGradient: xGradient, store: store, context: context)
  }

  /// The kernel, and the floating-point operations of one direction: directly, and in its products.
  var work: (kernel: String, direct: Double, products: Double) {
    let geometry = layer.geometry
    let pixels = Double(y.shape.pixels)
    let direct = 2 * pixels * Double(geometry.patchSize * geometry.outputChannels)
    guard case .winograd(let winograd) = ConvolutionAlgorithm(geometry) else {
      return ("im2col", direct, direct)
    }
    return ("winograd", direct, 2 * pixels / 16 * winograd.plan.multiplicationsPerTile)
  }

  /// How far the results are from those by patch matrices.
  func errors(context: ComputeContext) -> [(Direction, Double)] {
    let results = results(context)
    let reference = self.results(ComputeContext(threads: context.threads, convolution: .im2col))
    return results.indices.map { index in
      let error = Self.relativeError(results[index].values, reference[index].values)
      return (results[index].direction, error)
    }
  }

  private func results(
    _ context: ComputeContext
  ) -> [(direction: Direction, values: [Float])] {
    forward(context)
    store.clearGradients(wide: false)
    backward(xGradient, context)
    let weightGradient = UnsafeBufferPointer(
      start: store.gradient(convolution.weight), count: convolution.weight.count)
    var results: [(direction: Direction, values: [Float])] = [
      (.forward, y.array), (.weightGradient, Array(weightGradient)),
    ]
    if let xGradient { results.append((.inputGradient, xGradient.array)) }
    return results
  }

  /// |values - reference| / |reference|; infinite or not a number where a value is.
  static func relativeError(_ values: [Float], _ reference: [Float]) -> Double {
    var (difference, norm) = (0.0, 0.0)
    for (value, expected) in zip(values, reference) {
      let distance = Double(value) - Double(expected)
      difference += distance * distance
      norm += Double(expected) * Double(expected)
    }
    return (difference / norm).squareRoot()
  }

  /// The seconds of `steps` calls of each direction, which take turns.
  func times(context: ComputeContext, steps: Int) -> [Direction: [Time]] {
    var times: [Direction: [Time]] = [:]
    for _ in 0..<steps {
      times[.forward, default: []].append(Self.time(context) { forward(context) })
      let weight = Self.time(context) { backward(nil, context) }
      times[.weightGradient, default: []].append(weight)
      guard let xGradient else { continue }
      let both = Self.time(context) { backward(xGradient, context) }
      times[.inputGradient, default: []]
        .append((both.wall - weight.wall, both.cpu - weight.cpu))
    }
    return times
  }

  /// The seconds that `body` takes, wall and of all the context's threads.
  private static func time(_ context: ComputeContext, _ body: () -> Void) -> Time {
    let (wall, cpu) = (ContinuousClock.now, processorSeconds(context))
    body()
    return ((ContinuousClock.now - wall).seconds, processorSeconds(context) - cpu)
  }

  /// Processor seconds of the context's threads so far.
  ///
  /// Each reads its own clock: for another thread that runs, Linux knows the time of its last tick
  /// only, some milliseconds ago.
  private static func processorSeconds(_ context: ComputeContext) -> Double {
    var seconds = [Double](repeating: 0, count: context.threads)
    seconds.withUnsafeMutableBufferPointer { seconds in
      context.pool.run { thread in
        seconds[thread] = WorkProfile.threadSeconds()
      }
    }
    return seconds.reduce(0, +)
  }
}
