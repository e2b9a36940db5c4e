import Distributed

/// Which parameters a backward pass reaches.
public enum GradientExtent: Sendable {
  /// Every parameter.
  case all
  /// The head's weight and bias only: nothing below it is computed.
  case head
}

/// ResNet18 for small images: 3x3 stem, four stages of two blocks, average pool, `linear` head.
///
/// `resnet18` has basic blocks and BatchNorm + ReLU after the stem (122 state_dict entries at 10
/// classes);
/// `preactresnet18` has pre-activation blocks, and BatchNorm neither after the stem nor before the
/// pool (102 entries). It owns parameters and the activations of the last forward.
public final class ResNet18 {
  /// Parameters, gradients and running statistics.
  public let store: ParameterStore
  /// H, W and C of the images; the batch is 0.
  public let inputShape: Shape
  /// The linear layer that yields the logits.
  public let head: Linear
  /// Input of the head in the last forward: [N, 1, 1, 8 width].
  public private(set) var features: Tensor

  private let conv1: Conv2D
  private let bn1: BatchNorm2D?
  private let blocks: [any ResidualBlock]
  /// Where the stem's parameters end, and each block's.
  private let parameterEnds: [Int]

  private var trainingCapacity = 0
  private var evaluatingCapacity = 0
  private var images: Tensor?
  private var stemConv: Tensor
  private var stemOutput: Tensor
  private let stemStatistics: BatchNorm2D.Statistics
  private var blockOutputs: [Tensor] = []
  private var logits: Tensor
  private var workspace = GradientWorkspace(largest: 0)

  /// A network for images of `inputShape`; its parameters are zero until initialised or loaded.
  ///
  /// `width` is the number of planes of the first stage, 64 in the originals.
  public init(_ architecture: ModelArchitecture, width: Int, classCount: Int, inputShape: Shape) {
    let isPreActivation = architecture == .preactresnet18
    var plan = ParameterLayoutPlan()
    conv1 = Conv2D("conv1", input: inputShape, outputChannels: width, plan: &plan)
    bn1 = isPreActivation ? nil : BatchNorm2D("bn1", channels: width, plan: &plan)
    stemStatistics = BatchNorm2D.Statistics(channels: width)
    var shape = conv1.outputShape(batch: 0)
    var ends = [plan.parameterCount]
    let blockType: any ResidualBlock.Type = isPreActivation ? PreActBlock.self : BasicBlock.self
    blocks = (0..<8).map { index in
      let (stage, position) = index.quotientAndRemainder(dividingBy: 2)
      let block = blockType.init(
        "layer\(stage + 1).\(position)", input: shape, outputChannels: width << stage,
        stride: stage > 0 && position == 0 ? 2 : 1, plan: &plan)
      shape = block.outputShape(batch: 0)
      ends.append(plan.parameterCount)
      return block
    }
    parameterEnds = ends
    head = Linear("linear", inputs: shape.channels, outputs: classCount, plan: &plan)
    store = ParameterStore(plan)
    self.inputShape = inputShape
    stemConv = Tensor(conv1.outputShape(batch: 0))
    stemOutput = stemConv
    features = Tensor(Shape(batch: 0, height: 1, width: 1, channels: head.inputs))
    logits = Tensor(Shape(batch: 0, height: 1, width: 1, channels: classCount))
  }

  /// The logits [N, 1, 1, classes] of `images` [N, H, W, C]; the next forward overwrites them.
  public func forward(_ images: Tensor, mode: PassMode, context: ComputeContext) -> Tensor {
    reserve(images.shape.batch, mode: mode)
    setBatch(images.shape.batch)
    self.images = images
    store.isAboutToRead?(parameterEnds[0])
    forwardStem(images, mode: mode, context: context)
    var x = stemOutput
    for (index, block) in blocks.enumerated() {
      store.isAboutToRead?(parameterEnds[index + 1])
      x = block.forward(x, mode: mode, store: store, context: context)
      blockOutputs[index] = x
    }
    GlobalAveragePool.forward(x, into: features, context: context)
    store.isAboutToRead?(store.values.count)
    head.forward(features, into: logits, store: store)
    return logits
  }

  /// Adds the parameters' gradients, given the loss's gradient by the logits of the last forward.
  ///
  /// The gradient of the images, [N, H, W, C], is written into `imageGradient` where that is given,
  /// which needs the extent `all`.
  public func backward(
    _ logitsGradient: Tensor, extent: GradientExtent, imageGradient: Tensor? = nil,
    context: ComputeContext
  ) {
    precondition(imageGradient == nil || extent == .all, "an image gradient of extent \(extent)")
    let featureGradient = extent == .all ? workspace.inner(features.shape) : nil
    head.backward(logitsGradient, x: features, xGradient: featureGradient, store: store)
    guard let featureGradient else { return }
    backward(featureGradient: featureGradient, imageGradient: imageGradient, context: context)
  }

  /// The same below the head, given the gradient of something by the features of the last forward:
  /// [N, 1, 1, 8 width].
  public func backward(
    featureGradient: Tensor, imageGradient: Tensor? = nil, context: ComputeContext
  ) {
    guard let images, let last = blockOutputs.last else {
      preconditionFailure("backward before forward")
    }
    var gradient = workspace.carriedGradient(last.shape)
    GlobalAveragePool.backward(featureGradient, xGradient: gradient, context: context)
    blocks.last?.beginBackward(context: context)
    context.forEachImage(gradient.shape) { [gradient] in
      blocks.last?.receive(gradient, pixels: $0, thread: $1)
    }
    for (index, block) in blocks.enumerated().reversed() {
      let below = index > 0 ? blocks[index - 1] : nil
      below?.beginBackward(context: context)
      stemStatistics.clearSums(threads: context.threads)
      gradient = block.backward(
        gradient, x: index > 0 ? blockOutputs[index - 1] : stemOutput, workspace: workspace,
        store: store, context: context
      ) {
        if let below { below.receive($0, pixels: $1, thread: $2) } else { receiveStem($0, $1, $2) }
      }
    }
    backwardStem(gradient, images: images, imageGradient: imageGradient, context: context)
  }

  // MARK: Stem: conv1, and bn1 with ReLU where there is one

  private func forwardStem(_ images: Tensor, mode: PassMode, context: ComputeContext) {
    guard let bn1 else {
      conv1.forward(images, into: stemConv, store: store, context: context)
      return
    }
    let pixels = stemConv.shape.pixels
    if mode == .evaluating {
      return conv1.forward(
        images, into: stemOutput, finish: bn1.finish(stemStatistics, relu: true, store: store),
        store: store, context: context)
    }
    bn1.begin(stemStatistics, mode: mode, store: store, context: context)
    conv1.forward(images, into: stemConv, store: store, context: context) { [self] in
      bn1.add(stemConv, pixels: $0, thread: $1, to: stemStatistics)
    }
    bn1.end(stemStatistics, pixels: pixels, store: store, context: context)
    context.pool.forEachShare(of: pixels) { share, _ in
      bn1.normalize(
        stemConv, into: stemOutput, relu: true, statistics: stemStatistics, pixels: share)
    }
  }

  private func receiveStem(_ gradient: Tensor, _ pixels: Range<Int>, _ thread: Int) {
    bn1?.addGradient(
      gradient, x: stemConv, mask: .output(stemOutput.pointer), pixels: pixels, thread: thread,
      to: stemStatistics)
  }

  private func backwardStem(
    _ gradient: Tensor, images: Tensor, imageGradient: Tensor?, context: ComputeContext
  ) {
    var outputGradient = ConvolutionOutputGradient(gradient.pointer)
    if let bn1 {
      bn1.endGradient(stemStatistics, store: store, context: context)
      outputGradient = stemStatistics.gradient(gradient, x: stemConv)
    }
    conv1.backward(
      outputGradient, x: images, xGradient: imageGradient, store: store, context: context)
  }

  private func setBatch(_ batch: Int) {
    if bn1 == nil || trainingCapacity > 0 { stemConv = stemConv.withBatch(batch) }
    stemOutput = stemOutput.withBatch(batch)
    features = features.withBatch(batch)
    logits = logits.withBatch(batch)
  }

  /// Allocates all activations anew where `batch` is the largest so far in this mode.
  ///
  /// What training allocates serves evaluation too; evaluation alone takes less than half of it.
  private func reserve(_ batch: Int, mode: PassMode) {
    let wanted = max(batch, 1)
    let keeps = mode.keepsActivations
    let known = keeps ? trainingCapacity : max(trainingCapacity, evaluatingCapacity)
    guard wanted > known else { return }
    let largest = max(wanted, evaluatingCapacity)
    (trainingCapacity, evaluatingCapacity) = (keeps ? largest : 0, largest)
    let shape = conv1.outputShape(batch: largest)
    stemOutput = Tensor(shape, reusing: stemOutput)
    stemConv = bn1 == nil ? stemOutput : Tensor(conv1.outputShape(batch: keeps ? largest : 0))
    blocks.forEach { $0.reserve(largest, mode: mode) }
    blockOutputs = Array(repeating: stemOutput, count: blocks.count)
    features = Tensor(Shape(batch: largest, height: 1, width: 1, channels: head.inputs))
    logits = Tensor(Shape(batch: largest, height: 1, width: 1, channels: head.outputs))
    workspace = GradientWorkspace(largest: keeps ? shape.count : 0)
  }
}
