/// A part of a network between its images and its head: it registers its parameters when it is
/// made, and owns its activations.
protocol Block: AnyObject {
  /// The shape of the output for `batch` images.
  func outputShape(batch: Int) -> Shape

  /// Allocates the activations for up to `capacity` images; fewer are needed for evaluation alone.
  func reserve(_ capacity: Int, mode: PassMode)

  /// The block's output, kept until the next forward.
  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor

  /// Makes ready for `receive`.
  func beginBackward(context: ComputeContext)

  /// Takes note of `pixels` of its output's gradient, which are final and still in thread
  /// `thread`'s cache.
  ///
  /// A block may overwrite them by their gradient before its last ReLU. After all have been
  /// received, `backward` is called.
  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int)

  /// The gradient of `input.x`, the input of the last forward; parameter gradients are added to the
  /// store.
  ///
  /// `outputGradient` is the workspace's carried gradient, and so is the result unless the input
  /// has a place of its own for it. `ready` is told of the result's final pixels.
  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor
}

extension Block {
  func beginBackward(context: ComputeContext) {}
  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int) {}
}

/// A block's input, and where its gradient is wanted.
struct BlockInput {
  /// The input of the last forward.
  let x: Tensor
  /// Whose gradient is wanted, and where.
  let gradient: Place

  enum Place {
    /// In the workspace, for the block below.
    case carried
    /// There, or nowhere: `x` are the network's images.
    case images(Tensor?)
  }

  /// The tensor that the gradient goes to; nil where it is not wanted.
  func place(in workspace: GradientWorkspace) -> Tensor? {
    switch gradient {
    case .carried: workspace.nextCarriedGradient(x.shape)
    case .images(let place): place
    }
  }
}

/// Told by thread `thread` that pixels `pixels` (counted over all images) of a gradient are final.
typealias GradientReady = (_ gradient: Tensor, _ pixels: Range<Int>, _ thread: Int) -> Void
