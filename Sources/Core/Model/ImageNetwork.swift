import Distributed

/// A network from images to maps, such as a generator of patterns: blocks without a head.
///
/// It owns the activations of the last forward. Several may have one store: each then answers, and
/// is differentiated, by itself.
package final class ImageNetwork {
  /// Parameters, gradients and running statistics.
  package let store: ParameterStore
  /// H, W and C of the images; the batch is 0.
  package let inputShape: Shape
  /// H, W and C of the maps; the batch is 0.
  package let outputShape: Shape

  private let blocks: [any Block]
  private let workspace = GradientWorkspace()
  private var trainingCapacity = 0, evaluatingCapacity = 0
  private var inputs: [Tensor] = []

  /// The blocks that `build` adds, for images of `inputShape`; with the parameters of `store`, which
  /// the same blocks have, else with zeros.
  init(inputShape: Shape, store: ParameterStore? = nil, build: (inout Trunk) -> Void) {
    var trunk = Trunk(images: inputShape)
    build(&trunk)
    precondition(store == nil || store?.plan.state == trunk.plan.state, "another network's store")
    self.store = store ?? ParameterStore(trunk.plan)
    self.inputShape = inputShape.withBatch(0)
    (blocks, outputShape) = (trunk.blocks, trunk.shape)
  }

  /// The maps of `images` [N, H, W, C]; the next forward overwrites them.
  package func forward(
    _ images: Tensor, mode: PassMode, hooks: PassHooks = PassHooks(), context: ComputeContext
  ) -> Tensor {
    precondition(images.shape.withBatch(0) == inputShape, "images of \(images.shape)")
    reserve(images.shape.batch, mode: mode)
    inputs.removeAll(keepingCapacity: true)
    let pass = ForwardPass(mode: mode, store: store, context: context, hooks: hooks)
    var x = images
    for block in blocks {
      inputs.append(x)
      x = block.forward(x, pass: pass)
    }
    return x
  }

  /// Adds the parameters' gradients, or yields the images', as `reach` says, given the gradient by
  /// the maps of the last forward.
  package func backward(
    _ outputGradient: Tensor, reach: GradientReach = .parameters, hooks: PassHooks = PassHooks(),
    context: ComputeContext
  ) {
    precondition(inputs.count == blocks.count, "backward before forward")
    let pass = GradientPass(
      store: store, context: context, hooks: hooks, hasParameters: reach.hasParameters)
    var gradient = workspace.carriedGradient(outputGradient.shape)
    gradient.pointer.update(from: outputGradient.pointer, count: outputGradient.shape.count)
    blocks.last?.beginBackward(context: context)
    context.forEachImage(gradient.shape) { [gradient] in
      blocks.last?.receive(gradient, pixels: $0, thread: $1)
    }
    for (index, block) in blocks.enumerated().reversed() {
      let below = index > 0 ? blocks[index - 1] : nil
      below?.beginBackward(context: context)
      gradient = block.backward(
        gradient,
        input: BlockInput(x: inputs[index], gradient: index > 0 ? .carried : .images(reach.images)),
        workspace: workspace, pass: pass
      ) { below?.receive($0, pixels: $1, thread: $2) }
    }
  }

  private func reserve(_ batch: Int, mode: PassMode) {
    let wanted = max(batch, 1)
    let keeps = mode.keepsActivations
    let known = keeps ? trainingCapacity : max(trainingCapacity, evaluatingCapacity)
    guard wanted > known else { return }
    let largest = max(wanted, evaluatingCapacity)
    (trainingCapacity, evaluatingCapacity) = (keeps ? largest : 0, largest)
    blocks.forEach { $0.reserve(largest, mode: mode) }
  }
}
