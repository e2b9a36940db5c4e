import Distributed

/// A classifier: blocks from the images to the features, and a linear head.
///
/// It owns parameters and the activations of the last forward. Which blocks they are says its
/// `NetworkKind`.
public final class Network {
  /// What it is.
  public let kind: NetworkKind
  /// How wide it is.
  public let size: NetworkSize
  /// Parameters, gradients and running statistics.
  public let store: ParameterStore
  /// H, W and C of the images; the batch is 0.
  public let inputShape: Shape
  /// The linear layer that yields the logits.
  public let head: Linear
  /// Input of the head in the last forward: [N, 1, 1, head.inputs].
  public private(set) var features: Tensor

  let blocks: [any Block]
  /// Where each block's parameters end.
  private let parameterEnds: [Int]

  private var trainingCapacity = 0
  private var evaluatingCapacity = 0
  /// The input of each block in the last forward.
  private(set) var inputs: [Tensor] = []
  /// What the features move by in the last tangent; nil before the first.
  var featureTangent: Tensor?
  private var logits: Tensor
  /// How the last forward was asked for.
  private var mode = PassMode.evaluating
  private let workspace = GradientWorkspace()

  /// A network of `kind` for images of `inputShape`; its parameters are zero until initialised or
  /// loaded.
  ///
  public init(_ kind: NetworkKind, size: NetworkSize, classCount: Int, inputShape: Shape) {
    var trunk = Trunk(images: inputShape)
    head = kind.addLayers(to: &trunk, size: size, classCount: classCount)
    self.kind = kind
    self.size = size
    self.inputShape = inputShape
    blocks = trunk.blocks
    parameterEnds = trunk.parameterEnds
    store = ParameterStore(trunk.plan)
    features = Tensor(trunk.shape)
    logits = Tensor(Shape(batch: 0, height: 1, width: 1, channels: classCount))
  }

  /// The same in the published proportions, with a first stage of `width` planes.
  public convenience init(
    _ kind: NetworkKind, width: Int, classCount: Int, inputShape: Shape
  ) {
    self.init(
      kind, size: NetworkSize(width: width), classCount: classCount, inputShape: inputShape)
  }

  /// The logits [N, 1, 1, classes] of `images` [N, H, W, C]; the next forward overwrites them.
  public func forward(
    _ images: Tensor, mode: PassMode, hooks: PassHooks = PassHooks(), context: ComputeContext
  ) -> Tensor {
    self.mode = mode
    reserve(images.shape.batch, mode: mode)
    logits = logits.withBatch(images.shape.batch)
    inputs.removeAll(keepingCapacity: true)
    let pass = ForwardPass(mode: mode, store: store, context: context, hooks: hooks)
    var x = images
    for (block, end) in zip(blocks, parameterEnds) {
      hooks.isAboutToRead?(end)
      inputs.append(x)
      x = block.forward(x, pass: pass)
    }
    features = x
    hooks.isAboutToRead?(store.values.count)
    head.forward(features, into: logits, store: store, context: context)
    return logits
  }

  /// Adds the parameters' gradients, or yields the images', as `reach` says, given the loss's
  /// gradient by the logits of the last forward and, where more of the loss hangs on the features,
  /// that part's gradient by them: [N, 1, 1, head.inputs].
  public func backward(
    _ logitsGradient: Tensor, features more: Tensor? = nil, reach: GradientReach = .parameters,
    hooks: PassHooks = PassHooks(), context: ComputeContext
  ) {
    let pass = pass(reach, hooks, context)
    if case .head = reach {
      return head.backward(logitsGradient, x: features, xGradient: nil, pass: pass)
    }
    let featureGradient = workspace.carriedGradient(features.shape)
    head.backward(logitsGradient, x: features, xGradient: featureGradient, pass: pass)
    if let more {
      for place in 0..<features.shape.count {
        featureGradient.pointer[place] += more.pointer[place]
      }
    }
    backward(carried: featureGradient, images: reach.images, pass: pass)
  }

  /// The same below the head, given the gradient of something by the features of the last forward:
  /// [N, 1, 1, head.inputs].
  public func backward(
    featureGradient: Tensor, reach: GradientReach = .parameters, hooks: PassHooks = PassHooks(),
    context: ComputeContext
  ) {
    precondition(featureGradient.shape == features.shape, "\(featureGradient.shape) of features")
    let carried = workspace.carriedGradient(features.shape)
    carried.pointer.update(from: featureGradient.pointer, count: features.shape.count)
    backward(carried: carried, images: reach.images, pass: pass(reach, hooks, context))
  }

  private func pass(
    _ reach: GradientReach, _ hooks: PassHooks, _ context: ComputeContext
  ) -> GradientPass {
    switch reach {
    case .head: break
    case .images: precondition(mode.keepsActivations, "backward after \(mode)")
    case .parameters, .all, .normalizations:
      precondition(mode.keepsNormalized, "parameters' gradients after \(mode)")
    }
    return GradientPass(
      store: store, context: context, hooks: hooks, hasParameters: reach.hasParameters,
      hasNormalizations: reach.hasNormalizations)
  }

  private func backward(carried: Tensor, images: Tensor?, pass: GradientPass) {
    precondition(inputs.count == blocks.count, "backward before forward")
    var gradient = carried
    let entering = pass.hooks.entering
    blocks.last?.beginBackward(context: pass.context)
    pass.context.forEachImage(gradient.shape) { [gradient] in
      entering[blocks.count - 1]?.add(to: gradient, pixels: $0)
      blocks.last?.receive(gradient, pixels: $0, thread: $1)
    }
    for (index, block) in blocks.enumerated().reversed() {
      let below = index > 0 ? blocks[index - 1] : nil
      let added = entering[index - 1]
      below?.beginBackward(context: pass.context)
      gradient = block.backward(
        gradient,
        input: BlockInput(x: inputs[index], gradient: index > 0 ? .carried : .images(images)),
        workspace: workspace, pass: pass
      ) {
        added?.add(to: $0, pixels: $1)
        below?.receive($0, pixels: $1, thread: $2)
      }
    }
  }

  /// The last block with parameters whose names begin with `prefix`; nil where there is none.
  package func lastBlock(named prefix: String) -> Int? {
    let end = store.plan.parameters.last { $0.name.hasPrefix(prefix) }?.range.upperBound
    return end.flatMap { end in parameterEnds.firstIndex { $0 >= end } }
  }

  /// The last block of each of the `count` smallest sizes of maps above one pixel, the largest first.
  package func lastBlocks(ofSmallestMaps count: Int) -> [Int] {
    var last: [(pixels: Int, block: Int)] = []
    for (index, block) in blocks.enumerated() {
      let shape = block.outputShape(batch: 1)
      let pixels = shape.height * shape.width
      if pixels == last.last?.pixels { last.removeLast() }
      // Maps that grow again hold copies of pixels.
      if pixels > 1, pixels < last.last?.pixels ?? .max { last.append((pixels, index)) }
    }
    return last.suffix(count).map(\.block)
  }

  /// The output of block `index` in the last forward: [N, H, W, C].
  package func output(ofBlock index: Int) -> Tensor {
    index + 1 < inputs.count ? inputs[index + 1] : features
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
    blocks.forEach { $0.reserve(largest, mode: mode) }
    logits = Tensor(Shape(batch: largest, height: 1, width: 1, channels: head.outputs))
  }
}
