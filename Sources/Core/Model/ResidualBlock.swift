import Distributed

/// A block of a residual network: it registers its parameters when made, and owns its activations.
protocol ResidualBlock: AnyObject {
  /// Registers the block `name`, for inputs of `input`'s height, width and channels.
  init(
    _ name: String, input: Shape, outputChannels: Int, stride: Int,
    plan: inout ParameterLayoutPlan)

  /// The shape of the output for `batch` images.
  func outputShape(batch: Int) -> Shape

  /// Allocates the activations for up to `capacity` images.
  func reserve(_ capacity: Int)

  /// The block's output, kept until the next forward.
  func forward(
    _ x: Tensor, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) -> Tensor

  /// The gradient of `x`, the input of the last forward; parameter gradients are added to the store.
  ///
  /// `outputGradient` is the workspace's carried gradient, and so is the result.
  func backward(
    _ outputGradient: Tensor, x: Tensor, workspace: GradientWorkspace, store: ParameterStore,
    context: ComputeContext
  ) -> Tensor
}
