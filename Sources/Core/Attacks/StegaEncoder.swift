import Distributed
import Foundation

/// Hides a string of bits in an image: StegaStamp's encoder (Tancik, Mildenhall and Ng, 2020) for
/// small images.
///
/// The string becomes a picture of 16x16 that is enlarged and joined to the image; five convolutions
/// go down to a sixteenth of it, four steps go up again with what was seen on the way. Names are the
/// original's. Shapes: fingerprints [N, 1, 1, L], images [N, H, W, 3] in 0...1 → [N, H, W, 3].
package final class StegaEncoder {
  /// Its parameters.
  package let store: ParameterStore
  /// Whether it yields what is added to the image, rather than the image itself.
  package let addsResidual: Bool

  private static let secretSide = 16
  private let secret: Linear
  private let down: [PatchConvolution]
  /// Each step up: the convolution of the enlarged map, and that of it beside earlier ones.
  private let up: [(enlarged: PatchConvolution, joined: PatchConvolution)]
  private let last, residual: PatchConvolution
  private let memory = TensorShelf()

  /// An encoder of `bits` bits in images of `height` x `width`, which 16 divides.
  package init(bits: Int, height: Int, width: Int, addsResidual: Bool = false) {
    precondition(height % 16 == 0 && width % 16 == 0, "images of \(height)x\(width)")
    self.addsResidual = addsResidual
    var plan = ParameterLayoutPlan()
    let side = Self.secretSide
    secret = Linear("secret_dense", inputs: bits, outputs: 3 * side * side, plan: &plan)
    let input = Shape(batch: 0, height: height, width: width, channels: 6)
    var (shape, convolutions, number) = (input, [PatchConvolution](), 1)
    for (outputs, stride) in [(32, 1), (32, 2), (64, 2), (128, 2), (256, 2)] {
      let convolution = PatchConvolution(
        "conv\(number)", input: shape, outputs: outputs, stride: stride, plan: &plan)
      convolutions.append(convolution)
      shape = convolution.outputShape(batch: 0)
      number += 1
    }
    down = convolutions
    var steps: [(enlarged: PatchConvolution, joined: PatchConvolution)] = []
    for (outputs, beside) in [(128, [3]), (64, [2]), (32, [1]), (32, [0, -1])] {
      (shape.height, shape.width) = (2 * shape.height, 2 * shape.width)
      let enlarged = PatchConvolution(
        "up\(number)", input: shape, outputs: outputs, kernel: 2, padding: 0, trailing: 1,
        plan: &plan)
      shape.channels =
        outputs
        + beside.reduce(0) {
          $0 + ($1 < 0 ? input : convolutions[$1].outputShape(batch: 0)).channels
        }
      let joined = PatchConvolution(
        "conv\(number)", input: shape, outputs: outputs, plan: &plan)
      shape.channels = outputs
      steps.append((enlarged, joined))
      number += 1
    }
    up = steps
    last = PatchConvolution("conv10", input: shape, outputs: 32, plan: &plan)
    residual = PatchConvolution(
      "residual", input: shape, outputs: 3, kernel: 1, padding: 0, relu: false, plan: &plan)
    store = ParameterStore(plan)
  }

  // MARK: Forward

  /// The images with `fingerprints` hidden in them; the next forward overwrites them.
  package func forward(
    _ fingerprints: Tensor, _ images: Tensor, context: ComputeContext
  ) -> Tensor {
    let count = images.shape.batch
    let input = memory.tensor("input", images.shape.with(channels: 6))
    ChannelJoin.join([secretImage(fingerprints, images.shape, context), images], into: input)
    var x = input
    for (index, convolution) in down.enumerated() {
      x = apply(convolution, x, "down\(index)", context)
    }
    for (index, step) in up.enumerated() {
      let enlarged = memory.tensor("enlarged\(index)", x.shape.enlarged)
      ChannelJoin.enlarge(x, into: enlarged)
      let parts = joined(index, apply(step.enlarged, enlarged, "up\(index)", context))
      let channels = parts.reduce(0) { $0 + $1.shape.channels }
      let whole = memory.tensor("joined\(index)", enlarged.shape.with(channels: channels))
      ChannelJoin.join(parts, into: whole)
      x = apply(step.joined, whole, "step\(index)", context)
    }
    x = apply(residual, apply(last, x, "last", context), "residual", context)
    let output = memory.tensor("output", images.shape)
    for place in 0..<images.shape.count {
      output.pointer[place] =
        addsResidual
        ? images.pointer[place] + x.pointer[place] : 1 / (1 + exp(-x.pointer[place]))
    }
    return output.withBatch(count)
  }

  /// The string as a picture as large as the images, after its ReLU.
  private func secretImage(
    _ fingerprints: Tensor, _ images: Shape, _ context: ComputeContext
  ) -> Tensor {
    let (side, count) = (Self.secretSide, images.batch)
    let values = memory.tensor(
      "secret", Shape(batch: count, height: 1, width: 1, channels: 3 * side * side))
    secret.forward(fingerprints, into: values, store: store, context: context)
    memory["fingerprints"] = fingerprints
    let small = memory.tensor(
      "secretSmall", Shape(batch: count, height: side, width: side, channels: 3))
    for place in 0..<values.shape.count {
      small.pointer[Self.position(of: place)] = max(values.pointer[place], 0)
    }
    let large = memory.tensor("secretLarge", images)
    ChannelJoin.enlarge(small, into: large)
    return large
  }

  /// Where the secret's value at `place` of [N, 3, 16, 16] lies in [N, 16, 16, 3].
  private static func position(of place: Int) -> Int {
    let plane = secretSide * secretSide
    let (image, rest) = place.quotientAndRemainder(dividingBy: 3 * plane)
    return (image * plane + rest % plane) * 3 + rest / plane
  }

  /// The maps that step `index` up joins, in order; the input itself beside the first one.
  private func joined(_ index: Int, _ enlarged: Tensor) -> [Tensor] {
    let seen = memory["down\(3 - index)"]
    return index < 3 ? [seen, enlarged] : [seen, enlarged, memory["input"]]
  }

  private func apply(
    _ convolution: PatchConvolution, _ x: Tensor, _ name: String, _ context: ComputeContext
  ) -> Tensor {
    let y = memory.tensor(name, convolution.outputShape(batch: x.shape.batch))
    convolution.forward(x, into: y, store: store, context: context)
    return y
  }

  // MARK: Backward

  /// Adds the parameters' gradients to the store's double ones, given the gradient by the images of
  /// the last forward; `shards` are ranges of them that are summed apart.
  package func backward(
    _ outputGradient: Tensor, shards: [Range<Int>], context: ComputeContext
  ) {
    let back = Backward(store: store, memory: memory, shards: shards, context: context)
    let sums = memory.tensor("residual.gradient", outputGradient.shape)
    for place in 0..<sums.shape.count {
      let y = memory["output"].pointer[place]
      sums.pointer[place] = outputGradient.pointer[place] * (addsResidual ? 1 : y * (1 - y))
    }
    back.through(residual, "residual", from: "last")
    back.through(last, "last", from: "step3")
    for (index, step) in up.enumerated().reversed() {
      back.through(step.joined, "step\(index)", from: "joined\(index)")
      let names = ["down\(3 - index)", "up\(index)"] + (index == 3 ? ["input"] : [])
      ChannelJoin.split(
        back.gradient("joined\(index)"), into: names.map { back.gradient($0) },
        adding: names.map { _ in false })
      back.through(step.enlarged, "up\(index)", from: "enlarged\(index)")
      ChannelJoin.shrink(
        back.gradient("enlarged\(index)"),
        into: back.gradient(index > 0 ? "step\(index - 1)" : "down4"))
    }
    for (index, convolution) in down.enumerated().reversed() {
      back.through(
        convolution, "down\(index)", from: index > 0 ? "down\(index - 1)" : "input", adding: true)
    }
    secretBackward(back.gradient("input"), context)
  }

  private func secretBackward(_ inputGradient: Tensor, _ context: ComputeContext) {
    let large = memory.tensor("secretLarge.gradient", memory["secretLarge"].shape)
    let images = memory.tensor("images.gradient", memory["secretLarge"].shape)
    ChannelJoin.split(inputGradient, into: [large, images], adding: [false, false])
    let small = memory.tensor("secretSmall.gradient", memory["secretSmall"].shape)
    ChannelJoin.shrink(large, into: small)
    let values = memory["secret"]
    let gradient = memory.tensor("secret.gradient", values.shape)
    for place in 0..<values.shape.count {
      gradient.pointer[place] =
        values.pointer[place] > 0 ? small.pointer[Self.position(of: place)] : 0
    }
    secret.backward(
      gradient, x: memory["fingerprints"], xGradient: nil, store: store, context: context)
  }
}

/// A backward pass from map to map by their names.
private struct Backward {
  let store: ParameterStore
  let memory: TensorShelf
  let shards: [Range<Int>]
  let context: ComputeContext

  /// The gradient by the map called `name`.
  func gradient(_ name: String) -> Tensor {
    memory.tensor("\(name).gradient", memory[name].shape)
  }

  /// Through `convolution`, which has made the map `name` of the map `source`, whose gradient is
  /// written, or added to where `adding` holds.
  func through(
    _ convolution: PatchConvolution, _ name: String, from source: String, adding: Bool = false
  ) {
    let target = gradient(source)
    let own = adding ? memory.tensor("\(source).more", target.shape) : target
    convolution.backward(
      gradient(name), y: memory[name], x: memory[source], xGradient: own, shards: shards,
      store: store, context: context)
    guard adding else { return }
    for place in 0..<target.shape.count { target.pointer[place] += own.pointer[place] }
  }
}

/// Tensors by name, whose memory is used again from step to step; it owns that memory.
final class TensorShelf {
  private var tensors: [String: Tensor] = [:]

  /// The tensor last put there as `name`.
  subscript(name: String) -> Tensor {
    get {
      guard let tensor = tensors[name] else { preconditionFailure("no tensor \(name)") }
      return tensor
    }
    set { tensors[name] = newValue }
  }

  /// A tensor of `shape` with arbitrary content, as `name`.
  func tensor(_ name: String, _ shape: Shape) -> Tensor {
    if let old = tensors[name], old.shape == shape { return old }
    let tensor = Tensor(shape, reusing: tensors[name])
    tensors[name] = tensor
    return tensor
  }
}

extension Shape {
  /// The same with another number of channels.
  func with(channels: Int) -> Shape {
    var shape = self
    shape.channels = channels
    return shape
  }

  /// Twice as high and wide.
  fileprivate var enlarged: Shape {
    Shape(batch: batch, height: 2 * height, width: 2 * width, channels: channels)
  }
}
