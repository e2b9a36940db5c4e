import Core
import Distributed
import TestSupport
import Testing

/// lira against what the original's code computed.
@Suite(.enabled(if: Fixtures.available(for: "LIRAFixtureTests")))
struct LIRAFixtureTests {
  private let context = ComputeContext(threads: 2, convolution: .im2col)

  private func noise() throws -> NoiseNetworks {
    let noise = NoiseNetworks(
      images: Shape(batch: 0, height: 32, width: 32, channels: 3),
      bounds: NoiseBounds(.cifar10, perChannel: false),
      context: ComputeContext(sharing: context, batchNormGroup: SoloCommunicator()))
    try AttackFixture.fill(noise.generator.store, salt: 6)
    return noise
  }

  @Test func boundsAreTheOriginals() {
    let bounds = NoiseBounds(.cifar10, perChannel: false)
    #expect(bounds.lowest == [-1.9895, -1.9895, -1.9895])
    #expect(bounds.highest == [2.1309, 2.1309, 2.1309])
  }

  @Test(arguments: [(PassMode.training, "train"), (.evaluating, "eval")])
  func noiseIsTheOriginals(mode: PassMode, name: String) throws {
    let (fixture, noise) = (try AttackFixture("lira/forward.pt"), try noise())
    let images = try AttackFixture.images([0, 1, 2, 3])
    let made = noise.generator.forward(images, mode: mode, context: noise.context)
    let distance = largestDistance(made.array, try fixture["out_\(name)"].images.array)
    #expect(distance < 1e-5, "\(distance)")
    #expect(noise.generator.store.plan.state.map(\.name) == (try fixture["names_shapes"].keys))
  }

  @Test func augmentedImagesAreTheOriginals() throws {
    let one = try AttackFixture("lira/steps.pt")["batches", "0"]
    let expected = try one["x_after_augmentation_first4"].images.array
    let images = try ThreeLIRASteps.augmentedImages(one, context)
    #expect(largestDistance(Array(images.array[..<expected.count]), expected) < 1e-6)
  }

  /// As in `BypassFixtureTests.threeStepsEqualTheOriginals`, a ReLU's input lies a rounding from zero.
  ///
  /// OpenBLAS's kernels without fused multiply-adds, which it takes on processors that it does not
  /// know, have it on the other side.
  @Test func threeStepsAreTheOriginals() throws {
    let fixture = try AttackFixture("lira/steps.pt")
    let runs = try Fixtures.scalesWithinRounding.map {
      try ThreeLIRASteps(fixture, noise(), scale: $0, context)
    }
    let run = try #require(runs.min { $0.model < $1.model })
    for index in 0..<3 {
      expectClose(
        run.losses[index], try fixture["batches", "\(index)", "loss2"].number, relative: 1e-5,
        "loss \(index)")
      #expect(run.gradients[index] < 1e-4, "classifier \(index)")
      #expect(run.generators[index] < 1e-4, "generator \(index)")
    }
    #expect(run.model < 1e-5)
  }
}

/// How far three steps from the fixture's start come from the original's, of images multiplied with
/// `scale`.
private struct ThreeLIRASteps {
  var losses: [Double] = []
  /// Distances of the classifier's gradients and of the generator's, by step.
  var gradients: [Double] = [], generators: [Double] = []
  /// That of the classifier's parameters in the end.
  let model: Double

  init(
    _ fixture: AttackFixture, _ noise: NoiseNetworks, scale: Float, _ context: ComputeContext
  ) throws {
    let network = try AttackFixture.classifier()
    var settings = LIRA()
    let field = try #require(LIRA.fields.first { $0.key == "lr_atk" })
    #expect(field.assign(.real(try fixture["lr_generator"].number), &settings))
    func classifierStep() -> ClassifierStep {
      ClassifierStep(
        model: network, optimizer: SGD(for: network.store, momentum: 0.9, weightDecay: 0),
        loss: CrossEntropy(), largestShare: 12, communicator: SoloCommunicator(), context: context)
    }
    let step = LIRAStep(
      classifierStep(), tuning: classifierStep(), noise: noise, settings: settings,
      poison: LoopPoison(ratio: 0.1, labels: .allToOne(target: 0), seed: 0), jointEpochs: 1
    ) { _, _ in }
    let labels = try AttackFixture.pictures(.train).labels
    for index in 0..<3 {
      let one = try fixture["batches", "\(index)"]
      let indices = try one["train_index"].integers
      let images = try Self.augmentedImages(one, context)
      for place in 0..<images.shape.count { images.buffer.floats[place] *= scale }
      let outcome = try step.learnTogether(
        Batch(
          images: images.buffer, labels: indices.map { Int32(labels[$0]) }, indices: indices,
          globalCount: indices.count), images,
        at: Moment(learningRate: try fixture["lr_classifier"].number))
      losses.append(outcome.crossEntropy.lossSum / Double(indices.count))
      gradients.append(
        try distance(
          network.store.parameterGradients(), digest: one["classifier_grad_at_step"]))
      generators.append(
        try distance(
          noise.generator.store.parameterGradients(), digest: one["generator_grad"],
          leavingOut: { $0.hasSuffix("bias") && !$0.hasPrefix("decoder.9") }))
    }
    model = try distance(
      network.store.parameterValues(), digest: fixture["classifier_final"],
      leavingOut: { $0.contains("running") })
  }

  static func augmentedImages(_ batch: AttackFixture, _ context: ComputeContext) throws -> Tensor {
    let images = try AttackFixture.images(batch["train_index"].integers)
    let crop = try batch["crop"].integers
    BatchAugmentation.Placement(
      crop: (crop[0], crop[1]), angle: try batch["angle_degrees"].number,
      isMirrored: try batch["flip_draw"].number < 0.5
    ).apply(to: images, pool: context.pool)
    return images
  }
}
