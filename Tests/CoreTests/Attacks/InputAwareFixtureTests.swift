import Core
import Distributed
import TestSupport
import Testing

/// inputaware against what the original's code computed.
@Suite(.enabled(if: Fixtures.available(for: "InputAwareFixtureTests")))
struct InputAwareFixtureTests {
  private let context = ComputeContext(threads: 2, convolution: .im2col)

  private func networks() throws -> PatternNetworks {
    let networks = PatternNetworks(
      images: Shape(batch: 0, height: 32, width: 32, channels: 3), normalization: .cifar10,
      isTwice: true,
      context: ComputeContext(sharing: context, batchNormGroup: SoloCommunicator()))
    try AttackFixture.fill(networks.generator.store, salt: 1)
    try AttackFixture.fill(networks.mask.store, salt: 2)
    return networks
  }

  private func step(_ values: [(String, Double)]) throws -> InputAwareStep {
    let network = try AttackFixture.classifier()
    var settings = InputAware()
    for (key, value) in values {
      let field = try #require(InputAware.fields.first { $0.key == key })
      #expect(field.assign(.real(value), &settings))
    }
    return InputAwareStep(
      ClassifierStep(
        model: network, optimizer: SGD(for: network.store, momentum: 0.9, weightDecay: 5e-4),
        loss: CrossEntropy(), largestShare: 8, communicator: SoloCommunicator(), context: context),
      networks: try networks(), settings: settings,
      poison: LoopPoison(ratio: 0.4, labels: .allToOne(target: 0), seed: 0), maskEpochs: 0
    ) { _ in ImagePairs(first: { _ in Tensor(Shape.none) }, second: { _ in Tensor(Shape.none) }) }
  }

  /// The pictures of a batch as the classifier gets them.
  private func normalized(_ fixture: AttackFixture) throws -> Tensor {
    let rule = PixelRule(.cifar10, rounds: false)
    let pictures = try fixture.images
    for place in 0..<pictures.shape.count {
      pictures.pointer[place] = rule.normalized(UInt8(pictures.pointer[place]), channel: place % 3)
    }
    return pictures
  }

  private func slice(_ images: Tensor, _ range: Range<Int>) -> Tensor {
    let size = images.shape.withBatch(1).count
    return Tensor(
      images.shape.withBatch(range.count),
      in: FloatBuffer(Array(images.array[range.lowerBound * size..<range.upperBound * size])))
  }

  private func pairs(_ first: Tensor, _ second: Tensor) -> ImagePairs {
    let (first, second) = (slice(first, 0..<first.shape.batch), second)
    return ImagePairs(first: { slice(first, $0) }, second: { slice(second, $0) })
  }

  private func batch(_ images: Tensor, labels: [Int32]) -> Batch {
    Batch(
      images: images.buffer, labels: labels, indices: Array(0..<images.shape.batch),
      globalCount: images.shape.batch)
  }

  @Test(arguments: [(PassMode.training, "train", 1e-4), (.evaluating, "eval", 1e-5)])
  func patternsAndMasksAreTheOriginals(
    mode: PassMode, name: String, tolerance: Double
  ) throws {
    let (fixture, networks) = (try AttackFixture("inputaware/forward.pt"), try networks())
    let images = try AttackFixture.images([0, 1, 2, 3])
    if mode == .evaluating {
      // The original's answers in evaluation come after those in training, with their statistics.
      for network in [networks.generator, networks.mask] {
        _ = network.forward(images, mode: .training, context: networks.context)
      }
    }
    let z = networks.generator.forward(images, mode: mode, context: networks.context)
    expectClose(
      z.array.map(networks.bounded), try fixture["pattern_\(name)"].images.array,
      relative: tolerance, "patterns")
    let m = networks.mask.forward(images, mode: mode, context: networks.context)
    expectClose(
      m.array.map(networks.bounded), try fixture["mask_raw_\(name)"].images.array,
      relative: tolerance, "masks")
    expectClose(
      networks.thresholds(m), try fixture["mask_threshold_\(name)"].images.array,
      relative: tolerance, "thresholds")
    #expect(networks.generator.store.plan.state.map(\.name) == (try fixture["G_names_shapes"].keys))
  }

  @Test func threeMaskStepsAreTheOriginals() throws {
    let (fixture, step) = (
      try AttackFixture("inputaware/mask_steps.pt"), try step([("lr_M", 1e-5)])
    )
    for index in 0..<3 {
      let one = try fixture["batches", "\(index)"]
      let (x1, x2) = (try normalized(one["x1_u8"]), try normalized(one["x2_u8"]))
      let count = x1.shape.batch
      let outcome = try step.learnMask(
        batch(x1, labels: [Int32](repeating: 0, count: count)), pairs(x1, x2),
        at: Moment(learningRate: 0))
      expectClose(
        outcome.crossEntropy.lossSum / Double(count), try one["total"].number, relative: 2e-5,
        "loss \(index)")
    }
    let store = step.networks.mask.store
    let gradients = try distance(
      store.parameterGradients(), digest: fixture["M_grad_last"],
      leavingOut: { $0.hasSuffix("conv2d.bias") })
    #expect(gradients < 2e-2)
    let final = try distance(
      store.parameterValues(), digest: fixture["M_final"],
      leavingOut: { $0.hasSuffix("conv2d.bias") || $0.contains("running") })
    #expect(final < 1e-3)
  }

  /// The first step holds narrow bounds, but for the generator's gradients below its last layers.
  ///
  /// The last two layers' gradients agree to 1e-4, the lowest ones' to 2e-3. It may be that inputs of
  /// ReLUs which lie a rounding from zero change sides, and that Adam, whose first steps go by the
  /// gradients' signs, makes that larger: this has not been shown.
  @Test func threeJointStepsAreTheOriginals() throws {
    let (fixture, step) = (
      try AttackFixture("inputaware/joint_steps.pt"), try step([("lr_G", 1e-6)])
    )
    for index in 0..<3 {
      let one = try fixture["batches", "\(index)"]
      let (x1, x2) = (try normalized(one["x1_u8"]), try normalized(one["x2_u8"]))
      let images = slice(x1, 0..<x1.shape.batch)
      let count = Int(try one["num_bd"].number)
      let outcome = try step.learnPatterns(
        batch(images, labels: try one["labels1"].integers.map { Int32($0) }), pairs(x1, x2),
        poisoned: count, at: Moment(learningRate: 0.01))
      #expect(outcome.batch.labels == (try one["targets"].integers.map { Int32($0) }))
      let expected = try one["x_bd_and_cross"].images.array
      expectClose(
        Array(images.array[..<expected.count]), expected, relative: index == 0 ? 1e-5 : 3e-4,
        "images \(index)")
      let ce = outcome.crossEntropy.lossSum / Double(images.shape.batch)
      let tolerance = index < 2 ? 2e-5 : 1e-3
      expectClose(ce, try one["ce"].number, relative: tolerance, "cross-entropy \(index)")
      expectClose(
        ce + outcome.penalty, try one["total"].number, relative: tolerance, "total \(index)")
      if index == 0 {
        let last = try distance(
          step.networks.generator.store.parameterGradients(), digest: one["G_grad"],
          leavingOut: {
            !$0.hasPrefix("convblock_up_4") && !$0.hasPrefix("convblock_up_5")
              || $0.hasSuffix("conv2d.bias")
          })
        #expect(last < 1e-4, "last layers")
      }
      let gradients = try distance(
        step.networks.generator.store.parameterGradients(), digest: one["G_grad"],
        leavingOut: { $0.hasSuffix("conv2d.bias") })
      #expect(gradients < [2e-3, 1e-2, 2.5e-2][index], "gradients \(index)")
    }
    let final = try distance(
      step.classifier.store.parameterValues(), digest: fixture["C_final"],
      leavingOut: { $0.contains("running") })
    #expect(final < 1e-3)
  }
}

extension Shape {
  fileprivate static let none = Shape(batch: 0, height: 32, width: 32, channels: 3)
}
