import Distributed

/// Reads a string of bits out of an image: StegaStamp's decoder for small images.
///
/// Seven convolutions, four of them with stride 2 beside the first one, then two linear layers.
/// Shapes: images [N, H, W, 3] in 0...1 → logits [N, 1, 1, L], positive for a bit that is set.
package final class StegaDecoder {
  /// Its parameters.
  package let store: ParameterStore
  private let convolutions: [PatchConvolution]
  private let hidden, last: Linear
  private let memory = TensorShelf()

  /// A decoder of `bits` bits from images of `height` x `width`, which 32 divides.
  package init(bits: Int, height: Int, width: Int) {
    precondition(height % 32 == 0 && width % 32 == 0, "images of \(height)x\(width)")
    var plan = ParameterLayoutPlan()
    var (shape, layers) = (
      Shape(batch: 0, height: height, width: width, channels: 3), [PatchConvolution]()
    )
    let outputs = [(32, 2), (32, 1), (64, 2), (64, 1), (64, 2), (128, 2), (128, 2)]
    for (index, (outputs, stride)) in outputs.enumerated() {
      let layer = PatchConvolution(
        "decoder.\(2 * index)", input: shape, outputs: outputs, stride: stride, plan: &plan)
      layers.append(layer)
      shape = layer.outputShape(batch: 0)
    }
    convolutions = layers
    hidden = Linear(
      "dense.0", inputs: shape.withBatch(1).count, outputs: 512, plan: &plan)
    last = Linear("dense.2", inputs: 512, outputs: bits, plan: &plan)
    store = ParameterStore(plan)
  }

  /// The logits of `images`; the next forward overwrites them.
  package func forward(_ images: Tensor, context: ComputeContext) -> Tensor {
    memory["map0"] = images
    var x = images
    for (index, convolution) in convolutions.enumerated() {
      let y = memory.tensor(
        "map\(index + 1)", convolution.outputShape(batch: images.shape.batch))
      convolution.forward(x, into: y, store: store, context: context)
      x = y
    }
    let flat = flattened(x)
    let vector = memory.tensor("hidden", flat.shape.with(channels: hidden.outputs))
    hidden.forward(flat, into: vector, store: store, context: context)
    for place in 0..<vector.shape.count where vector.pointer[place] < 0 {
      vector.pointer[place] = 0
    }
    let logits = memory.tensor("logits", flat.shape.with(channels: last.outputs))
    last.forward(vector, into: logits, store: store, context: context)
    return logits
  }

  /// The gradient by the images of the last forward, given that by the logits; the parameters' are
  /// added to the store's double ones.
  package func backward(
    _ logitsGradient: Tensor, shards: [Range<Int>], context: ComputeContext
  ) -> Tensor {
    let (vector, top) = (memory["hidden"], memory["map\(convolutions.count)"])
    let vectorGradient = memory.tensor("hidden.gradient", vector.shape)
    last.backward(
      logitsGradient, x: vector, xGradient: vectorGradient, store: store, context: context)
    for place in 0..<vector.shape.count where vector.pointer[place] <= 0 {
      vectorGradient.pointer[place] = 0
    }
    var gradient = memory.tensor("map\(convolutions.count).gradient", top.shape)
    let flat = flattened(top)
    hidden.backward(
      vectorGradient, x: flat, xGradient: Tensor(flat.shape, in: gradient.buffer), store: store,
      context: context)
    for (index, convolution) in convolutions.enumerated().reversed() {
      let (x, y) = (memory["map\(index)"], memory["map\(index + 1)"])
      let below = memory.tensor("map\(index).gradient", x.shape)
      convolution.backward(
        gradient, y: y, x: x, xGradient: below, shards: shards, store: store, context: context)
      gradient = below
    }
    return gradient
  }

  /// [N, h, w, C] as vectors [N, 1, 1, h w C]; of images of 32x32, at 1x1, PyTorch's order is the
  /// same.
  private func flattened(_ x: Tensor) -> Tensor {
    Tensor(
      Shape(batch: x.shape.batch, height: 1, width: 1, channels: x.shape.withBatch(1).count),
      in: x.buffer)
  }
}
