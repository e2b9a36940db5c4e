import Core
import Distributed
import TestSupport
import Testing

/// A thin model in a given state, with the batches of a golden file, and the steps of training
/// written out once more: what the goldens check is the engine, without the trainer around it.
struct ThinModel {
  /// The networks that have goldens of width 4.
  static let kinds: [NetworkKind] = [.resnet18, .preactresnet18]

  let model: Network
  let context: ComputeContext
  var store: ParameterStore { model.store }
  var whole: Range<Int> { 0..<store.values.count }
  /// The parameters below the head, which lies at the end.
  var backbone: Range<Int> { 0..<model.head.weight.offset }
  var head: Range<Int> { model.head.weight.offset..<store.values.count }

  init(
    _ architecture: NetworkKind, width: Int, threads: Int = 2,
    convolution: ConvolutionChoice = .automatic, precision: PrecisionChoice = .float32
  ) {
    model = Network(
      architecture, width: width, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    context = ComputeContext(
      threads: threads, convolution: convolution, precision: precision)
  }

  /// The goldens' model: width 4, every value by the formula.
  static func golden(
    _ architecture: NetworkKind, threads: Int = 2,
    convolution: ConvolutionChoice = .automatic
  ) throws -> ThinModel {
    let thin = ThinModel(
      architecture, width: 4, threads: threads, convolution: convolution)
    try thin.store.load(
      Formula.initialState(model: architecture.rawValue, plan: thin.store.plan))
    return thin
  }

  static func loadGolden(_ architecture: NetworkKind) throws -> Golden {
    try Golden.load("\(architecture.rawValue)_width4")
  }

  /// A batch as a forward pass takes it, and as a training step does.
  struct LabeledBatch {
    var images: Tensor
    var labels: [Int32]
    var batch: Batch {
      Batch(
        images: images.buffer, labels: labels, indices: Array(labels.indices),
        globalCount: labels.count)
    }
  }

  /// Batch `step` of the goldens; the last one is smaller.
  static func goldenBatch(_ architecture: NetworkKind, _ step: Int) throws -> LabeledBatch {
    let golden = try loadGolden(architecture)
    let key = "\(try golden.text("batches"))/\(step)"
    let shape = Shape(
      batch: try golden.integers("batch_sizes")[step], height: 32, width: 32, channels: 3)
    let values = Formula.tensor("\(key)/images", count: shape.count, scale: 2)
    let labels = Formula.labels("\(key)/labels", count: shape.batch)
    return LabeledBatch(images: Tensor(nchw: values, shape), labels: labels)
  }

  /// Clears the gradients, then one forward and one backward; the mean cross-entropy and the
  /// logits.
  func forwardBackward(
    _ batch: LabeledBatch, reach: GradientReach = .parameters
  ) -> (loss: Double, logits: [Float]) {
    store.gradients.clear()
    let logits = model.forward(batch.images, mode: .training, context: context)
    let gradient = Tensor(logits.shape)
    let count = batch.labels.count
    let result = CrossEntropy().evaluate(
      logits, labels: batch.labels, globalCount: count, gradient: gradient)
    model.backward(gradient, reach: reach, context: context)
    return (result.lossSum / Double(count), logits.array)
  }

  /// Parameters, running statistics and counters by name, in PyTorch's layout.
  func state() -> [String: [Float]] {
    store.parameterValues().merging(store.bufferValues()) { first, _ in first }
  }
}

/// Expects every tensor of `golden` within `relative` of the one called the same in `actual`.
func expectAllClose(
  _ actual: [String: [Float]], _ golden: [String: GoldenTensor], relative: Double, _ what: String
) {
  for (name, tensor) in golden {
    expectClose(actual[name] ?? [], tensor, relative: relative, "\(what): \(name)")
  }
}
