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

  @Test func threeStepsAreTheOriginals() throws {
    let (fixture, noise) = (try AttackFixture("lira/steps.pt"), try noise())
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
      let images = try AttackFixture.images(indices)
      let crop = try one["crop"].integers
      BatchAugmentation.Placement(
        crop: (crop[0], crop[1]), angle: try one["angle_degrees"].number,
        isMirrored: try one["flip_draw"].number < 0.5
      ).apply(to: images, pool: context.pool)
      if index == 0 {
        let expected = try one["x_after_augmentation_first4"].images.array
        #expect(largestDistance(Array(images.array[..<expected.count]), expected) < 1e-6)
      }
      let outcome = try step.learnTogether(
        Batch(
          images: images.buffer, labels: indices.map { Int32(labels[$0]) }, indices: indices,
          globalCount: indices.count), images,
        at: Moment(learningRate: try fixture["lr_classifier"].number))
      expectClose(
        outcome.crossEntropy.lossSum / Double(indices.count), try one["loss2"].number,
        relative: 1e-5, "loss \(index)")
      let gradients = try distance(
        network.store.parameterGradients(), digest: one["classifier_grad_at_step"])
      #expect(gradients < 1e-4, "classifier \(index)")
      let made = try distance(
        noise.generator.store.parameterGradients(), digest: one["generator_grad"],
        leavingOut: { $0.hasSuffix("bias") && !$0.hasPrefix("decoder.9") })
      #expect(made < 1e-4, "generator \(index)")
    }
    let final = try distance(
      network.store.parameterValues(), digest: fixture["classifier_final"],
      leavingOut: { $0.contains("running") })
    #expect(final < 1e-5)
  }
}
