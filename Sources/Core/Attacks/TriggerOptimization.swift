import Distributed

/// Makes trojannn's trigger: a pattern inside a mask that excites a few inputs of a clean model's
/// head (Liu et al., Trojaning Attack on Neural Networks, NDSS 2018, section 4.1).
///
/// The inputs i with the largest Σ over classes |weight(class, i)| are chosen. The pattern starts
/// as the mask's own values p0 and moves against the sign of the gradient of
/// cost = Σ (activation - target)², staying in p0 ± epsilon and 0...1. The model sees it as it will
/// be used: added to an image, here one of the dataset's mean colour. The step is halved, going on
/// from the best pattern so far, whenever `patience` steps brought nothing better, and the search
/// ends when it is below half a grey level, at the target or after `iterations` steps. BackdoorBench
/// shows the model the pattern alone, not normalised, and keeps the step.
public struct TriggerOptimization {
  /// The trained clean model.
  public let model: Network
  /// How pixels become the model's inputs.
  public let normalization: Normalization
  /// Count, target, steps and bounds.
  public let settings: TrojanSettings
  /// Threads and scratch memory.
  public let context: ComputeContext

  private static let patience = 25
  private static let tolerance = 1e-3

  /// An optimisation on `model`, whose running statistics stay as they are.
  public init(
    model: Network, normalization: Normalization, settings: TrojanSettings,
    context: ComputeContext
  ) {
    self.model = model
    self.normalization = normalization
    self.settings = settings
    self.context = context
  }

  /// A trigger and what it does to the chosen neurons of a mean-coloured image.
  public struct Outcome: Sendable {
    /// The trigger: [height, width, 3], 0 outside the mask.
    public var pattern: RGBImage
    /// The chosen inputs of the head, the most connected first.
    public var neurons: [Int]
    /// Their activations with the mask's own values.
    public var before: [Double]
    /// Their activations with the trigger.
    public var after: [Double]
    /// The gradients that were computed.
    public var iterations: Int
  }

  /// The `count` inputs of `head` with the largest sums of absolute weights; of equal ones the
  /// first.
  public static func neurons(of head: Linear, in store: ParameterStore, count: Int) -> [Int] {
    let weights = store.value(head.weight)
    let sums = (0..<head.inputs).map { input in
      (0..<head.outputs).reduce(0.0) { $0 + Double(abs(weights[$1 * head.inputs + input])) }
    }
    let order = sums.indices.sorted { (-sums[$0], $0) < (-sums[$1], $1) }
    return Array(order.prefix(count))
  }

  /// The trigger inside `mask`, an image of the model's input size whose values above 0 count;
  /// `progress` is told of each gradient.
  ///
  /// Throws `TriggerError` where the model answers with what is no number.
  public func run(
    mask: RGBImage, progress: (_ iterations: Int) -> Void = { _ in }
  ) throws -> Outcome {
    let start = mask.pixels.map { Float($0) / 255 }
    let neurons = Self.neurons(of: model.head, in: model.store, count: settings.neuronCount)
    let before = answer(start, neurons)
    var best = (pattern: start, cost: cost(before))
    guard best.cost.isFinite else { throw TriggerError.notFinite }
    var (pattern, step, waited, iterations) = (start, Float(settings.step), 0, 0)
    while iterations < settings.iterations && best.cost > Self.tolerance && step >= 0.5 / 255 {
      let gradient = gradient(at: pattern, neurons)
      guard gradient.allSatisfy(\.isFinite) else { throw TriggerError.notFinite }
      iterations += 1
      progress(iterations)
      move(&pattern, against: gradient, by: step, from: start)
      let reached = cost(answer(pattern, neurons))
      waited = reached < best.cost ? 0 : waited + 1
      if reached < best.cost { best = (pattern, reached) }
      if waited == Self.patience { (pattern, step, waited) = (best.pattern, step / 2, 0) }
    }
    let pixels = best.pattern.map { UInt8(($0 * 255).rounded()) }
    return Outcome(
      pattern: RGBImage(pixels: pixels, width: mask.width, height: mask.height),
      neurons: neurons, before: before, after: answer(pixels.map { Float($0) / 255 }, neurons),
      iterations: iterations)
  }

  private func cost(_ activations: [Double]) -> Double {
    activations.reduce(0) {
      $0 + ($1 - settings.neuronTarget) * ($1 - settings.neuronTarget)
    }
  }

  /// The activations of `neurons`, for the mean-coloured image with `pattern` added to it.
  private func answer(_ pattern: [Float], _ neurons: [Int]) -> [Double] {
    var shape = model.inputShape
    shape.batch = 1
    precondition(pattern.count == shape.count, "a pattern of \(pattern.count) values on \(shape)")
    let image = Tensor(shape)
    for (place, value) in pattern.enumerated() {
      let channel = place % shape.channels
      let (mean, deviation) = (
        normalization.mean[channel], normalization.standardDeviation[channel]
      )
      image.pointer[place] = min(value, 1 - mean) / deviation
    }
    _ = model.forward(image, mode: .differentiatingImages, context: context)
    return neurons.map { Double(model.features.pointer[$0]) }
  }

  /// The cost's gradient by the model's input with `pattern`; 0 where more of it would not show.
  private func gradient(at pattern: [Float], _ neurons: [Int]) -> [Float] {
    let activations = answer(pattern, neurons)
    let featureGradient = Tensor(model.features.shape)
    for (neuron, activation) in zip(neurons, activations) {
      featureGradient.pointer[neuron] = Float(2 * (activation - settings.neuronTarget))
    }
    let gradient = Tensor(model.inputShape.withBatch(1))
    model.backward(featureGradient: featureGradient, reach: .images(gradient), context: context)
    let channels = model.inputShape.channels
    for (place, value) in pattern.enumerated()
    where value >= 1 - normalization.mean[place % channels] && gradient.pointer[place] < 0 {
      gradient.pointer[place] = 0
    }
    return gradient.array
  }

  private func move(
    _ pattern: inout [Float], against gradient: [Float], by step: Float, from start: [Float]
  ) {
    let epsilon = Float(settings.epsilon)
    for place in pattern.indices where start[place] > 0 && gradient[place] != 0 {
      let moved = pattern[place] + (gradient[place] > 0 ? -step : step)
      let (lowest, highest) = (max(start[place] - epsilon, 0), min(start[place] + epsilon, 1))
      pattern[place] = min(max(moved, lowest), highest)
    }
  }
}
