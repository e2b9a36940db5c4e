import Distributed

/// A block of a residual network: it registers its parameters when made, and owns its activations.
protocol ResidualBlock: AnyObject {
  /// Registers the block `name`, for inputs of `input`'s height, width and channels.
  init(
    _ name: String, input: Shape, outputChannels: Int, stride: Int,
    plan: inout ParameterLayoutPlan)

  /// The shape of the output for `batch` images.
  func outputShape(batch: Int) -> Shape

  /// Allocates the activations for up to `capacity` images; fewer are needed for evaluation alone.
  func reserve(_ capacity: Int, mode: PassMode)

  /// The block's output, kept until the next forward.
  func forward(
    _ x: Tensor, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) -> Tensor

  /// Makes ready for `receive`.
  func beginBackward(context: ComputeContext)

  /// Takes note of `pixels` of its output's gradient, which are final and still in thread
  /// `thread`'s cache.
  ///
  /// A block may overwrite them by their gradient before its last ReLU. After all have been
  /// received, `backward` is called.
  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int)

  /// The gradient of `x`, the input of the last forward; parameter gradients are added to the
  /// store.
  ///
  /// `outputGradient` is the workspace's carried gradient, and so is the result. `ready` is told of
  /// the result's final pixels.
  func backward(
    _ outputGradient: Tensor, x: Tensor, workspace: GradientWorkspace, store: ParameterStore,
    context: ComputeContext, ready: GradientReady
  ) -> Tensor
}

/// Told by thread `thread` that pixels `pixels` (counted over all images) of a gradient are final.
typealias GradientReady = (_ gradient: Tensor, _ pixels: Range<Int>, _ thread: Int) -> Void
