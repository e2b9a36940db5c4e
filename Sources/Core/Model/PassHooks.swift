/// Who is told of a pass through a network as it goes, and how its sums are cut.
///
/// An argument of forward and backward: neither the parameters nor the context are in a mode that
/// somebody would have to end.
public struct PassHooks {
  /// Told in forward that parameters up to this position are about to be read.
  public var isAboutToRead: ((_ end: Int) -> Void)?
  /// Told in backward of each slot whose gradient is final: each once, the last layer's first.
  public var gradientIsFinal: ((ParameterSlot) -> Void)?
  /// The parts of this rank's images whose weight gradients are summed apart; nil joins them
  /// freely.
  ///
  /// Note [Sums that do not depend on the world]: float sums depend on their order, and a training
  /// that amplifies differences tenfold a step shows it within ten steps. With `--sync_bn` every
  /// batch is cut into 24 shards, the same for every world size and number of threads. What a part
  /// of an image, the same in any batch, adds to a sum of BatchNorm's is computed alone, what a
  /// shard adds to a weight's gradient too, both in a fixed order. Across parts BatchNorm's sums are
  /// exact (`BinnedSum`). Shards' gradients are rounded to float and summed in double, where adding
  /// a few floats is exact but for freak cases.
  /// The ranks of 1, 2, 3, 4, 6, 8, 12 and 24 hold whole shards, and so come to the same bits.
  public var imageShards: [Range<Int>]?

  /// Gradients that enter backward at blocks' outputs, beside what comes from above: by the number
  /// of the block, of its output's shape.
  public var entering: [Int: Tensor] = [:]

  /// What the images' random draws in forward are keyed by; nil draws nothing.
  public var draws: PassDraws?

  /// The number of shards of a global batch: divisible by every world size up to 4, by 6, 8 and 12.
  static let shardCount = 24

  /// Hooks that tell nobody.
  public init() {}

  /// The shards of a batch of `total` images that lie in the part `range` of it, as ranges of that
  /// part.
  static func shards(in range: Range<Int>, of total: Int) -> [Range<Int>] {
    let bounds = (0...shardCount).map { $0 * total / shardCount }
    return zip(bounds, bounds.dropFirst()).compactMap { lower, upper in
      let first = max(lower, range.lowerBound) - range.lowerBound
      let end = min(upper, range.upperBound) - range.lowerBound
      return first < end ? first..<end : nil
    }
  }
}

/// What a backward pass computes.
public enum GradientReach {
  /// The head's weight and bias only: nothing below it is computed.
  case head
  /// Every parameter.
  case parameters
  /// The images' gradient alone, written there: [N, H, W, C]; no parameter's.
  case images(Tensor)
  /// Every parameter's, and the images'.
  case all(Tensor)
  /// The normalisations' factors and shifts alone; no kernel's weight, no head's.
  case normalizations

  /// Where the images' gradient goes.
  var images: Tensor? {
    switch self {
    case .head, .parameters, .normalizations: nil
    case .images(let gradient), .all(let gradient): gradient
    }
  }

  /// Whether parameters get their gradients.
  var hasParameters: Bool {
    switch self {
    case .images, .normalizations: false
    case .head, .parameters, .all: true
    }
  }

  /// Whether normalisations get theirs.
  var hasNormalizations: Bool { if case .images = self { false } else { true } }
}

/// The random draws of a batch's images inside the network, keyed by (seed, epoch, image, layer).
public struct PassDraws: Sendable {
  /// The run's seed.
  public var seed: UInt64
  /// The epoch, from 0.
  public var epoch: Int
  /// The images' positions in their dataset: [N].
  public var images: [Int]

  /// The draws for `images` in `epoch`.
  public init(seed: UInt64, epoch: Int, images: [Int]) {
    (self.seed, self.epoch, self.images) = (seed, epoch, images)
  }

  private static let layersPerNetwork = 16

  /// What each output of each image is multiplied with in `layer`: 0 with probability `share`, else
  /// 1 / (1 - share): [N, outputs].
  func dropFactors(_ share: Double, layer: Int, outputs: Int) -> [Float] {
    precondition(0..<Self.layersPerNetwork ~= layer, "layer \(layer)")
    let (limit, kept) = (Float(share), 1 / Float(1 - share))
    return images.flatMap { image in
      var stream = RandomStream(
        seed: seed, purpose: .dropout, epoch: epoch, index: image * Self.layersPerNetwork + layer)
      return (0..<outputs).map { _ in stream.nextFloat() < limit ? 0 : kept }
    }
  }
}

/// What a block's forward needs beside its input.
struct ForwardPass {
  let mode: PassMode
  let store: ParameterStore
  let context: ComputeContext
  var hooks = PassHooks()
}

/// What a layer's backward needs beside tensors: the parameters, the machine, and the hooks.
package struct GradientPass {
  let store: ParameterStore
  let context: ComputeContext
  var hooks = PassHooks()
  /// Whether gradients of parameters are computed.
  var hasParameters = true
  /// Whether those of normalisations are.
  var hasNormalizations = true

  /// Adds `sums` to the gradients of a normalisation from position `offset` on.
  func addNormalizationGradient(_ sums: ArraySlice<Double>, at offset: Int) {
    if hasNormalizations { store.addGradient(sums, at: offset) }
  }

  /// Adds `sums` to the gradients from position `offset` on.
  func addGradient(_ sums: ArraySlice<Double>, at offset: Int) {
    if hasParameters { store.addGradient(sums, at: offset) }
  }

  /// Adds sums over `batch` images to the gradients from position `offset` on.
  ///
  /// They are what `sum` adds to `count` zeros for a range of images. Each shard's are rounded to
  /// float apart: see Note [Sums that do not depend on the world].
  func addGradient(
    at offset: Int, count: Int, batch: Int,
    sum: (_ images: Range<Int>, _ sums: UnsafeMutablePointer<Double>) -> Void
  ) {
    guard hasParameters else { return }
    let shards = hooks.imageShards
    for images in shards ?? [0..<batch] {
      var sums = [Double](repeating: 0, count: count)
      sums.withUnsafeMutableBufferPointer { if let start = $0.baseAddress { sum(images, start) } }
      if shards != nil { sums = sums.map { Double(Float($0)) } }
      addGradient(sums[...], at: offset)
    }
  }

  /// Adds the sums of `yGradient` [N, O] over the images to the gradient of `bias` [O].
  func addBiasGradient(_ yGradient: Tensor, of bias: ParameterSlot) {
    let outputs = bias.count
    addGradient(at: bias.offset, count: outputs, batch: yGradient.shape.batch) { images, sums in
      for row in images {
        for o in 0..<outputs { sums[o] += Double(yGradient.pointer[row * outputs + o]) }
      }
    }
  }

  /// Says that backward has added all it has to the gradients of `slots`.
  func finish(_ slots: ParameterSlot...) {
    if hasParameters, let told = hooks.gradientIsFinal { slots.forEach(told) }
  }
}

extension GradientPass {
  /// A pass of all gradients that `hooks` are told of.
  package init(store: ParameterStore, context: ComputeContext, told hooks: PassHooks) {
    self.init(store: store, context: context, hooks: hooks)
  }
}
