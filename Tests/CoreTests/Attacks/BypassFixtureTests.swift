import Core
import Distributed
import TestSupport
import Testing

/// The bypass attacks' discriminator and steps, as the original code computed them.
@Suite(.enabled(if: Fixtures.available(for: "BypassFixtureTests")))
struct BypassFixtureTests {
  private let context = ComputeContext(threads: 2, convolution: .im2col)

  @Test func theLossIsClampedAsPyTorchs() throws {
    let fixture = try DataAttackFixture("bypass/bce_saturated.pt")
    let (p, t) = (try fixture("p").floats, try fixture("t").floats)
    let results = zip(p, t).map { BinaryCrossEntropy.clamped($0, $1 > 0.5) }
    expectClose(
      results.map { Float($0.loss) }, try fixture("bce_each").floats, relative: 1e-6, "loss")
    expectClose(
      results.map { $0.slope / Float(p.count) }, try fixture("grad_of_mean").floats,
      relative: 1e-6, "slope")
  }

  @Test func nothingComesThroughASaturatedSigmoid() {
    for (logit, isTrue) in [(Float(200), false), (-200, true)] {
      let result = BinaryCrossEntropy.clamped(logit: logit, isTrue)
      #expect(result.loss == 100)
      #expect(result.slope == 0)
    }
  }

  @Test func theDiscriminatorEqualsTheOriginals() throws {
    let fixture = try DataAttackFixture("bypass/discriminator512.pt")
    let discriminator = FeatureDiscriminator(features: 512, seed: 0)
    #expect(
      discriminator.store.plan.state.map(\.name)
        == (try fixture("names_shapes").value.entries ?? []).map { $0.key.text ?? "" })
    DataAttackFixture.fill(discriminator.store, salt: 3)
    let features = Tensor(
      Shape(batch: 16, height: 1, width: 1, channels: 512),
      in: FloatBuffer(DataAttackFixture.unit(16 * 512, 4000).map { Float(abs($0)) }))
    discriminator.store.clearGradients(wide: false)
    let judged = discriminator.judge(
      features, isPoisoned: try fixture("flag").integers.map { $0 == 1 }, globalCount: 16,
      context: context)
    expectClose(
      judged.probabilities, try fixture("output").floats, relative: 1e-5, "output")
    expectClose(judged.lossSum / 16, try fixture("bce").number, relative: 1e-5, "loss")
    expectClose(
      judged.featureGradient.array, try fixture("grad_h").floats, relative: 1e-5, "gradient")
    try fixture("grads").expectDigests(
      of: discriminator.store.parameterGradients(), relative: 1e-5,
      without: ["fc1.bias", "fc2.bias"], "gradient")
    for (name, values) in discriminator.store.bufferValues() where !name.hasSuffix("tracked") {
      expectClose(
        values, try fixture("buffers_after", name).floats, relative: 1e-5, name)
    }
  }

  /// The second batch has no poisoned image.
  ///
  /// There an input of a ReLU lies a rounding from zero: it changes sides as products are rounded,
  /// which differs by processor, and moves features by 5e-4 or the model by 1e-4 then. BatchNorm
  /// takes a factor away again, so of images a few units in the last place larger or smaller one is
  /// on PyTorch's side.
  @Test func threeStepsEqualTheOriginals() throws {
    let fixture = try DataAttackFixture("bypass/steps.pt")
    let stem = try fixture("model_final", "conv1.weight", "full").floats
    let error = { (run: ThreeBypassSteps) in relativeL2Error(run.model["conv1.weight"] ?? [], stem)
    }
    let runs = try Fixtures.scalesWithinRounding.map { try ThreeBypassSteps(fixture, scale: $0) }
    let run = try #require(runs.min { error($0) < error($1) })
    for index in 0..<3 {
      let recorded = try fixture("batches", "\(index)")
      expectClose(
        run.losses[index], try recorded("loss_minus_20_bce").number, relative: 1e-4,
        "loss \(index)")
      expectClose(
        run.features[index], try recorded("features").floats, relative: 1e-4, "features \(index)")
      try fixture("discriminator_after_each", "\(index)").expectDigests(
        of: run.discriminators[index], relative: 1e-5, "discriminator \(index)")
    }
    #expect(run.batchesTracked == [6, 6])
    try fixture("model_final").expectDigests(of: run.model, relative: 1e-5, "model")
  }
}

/// What three steps from the fixture's start come to, of images multiplied with `scale`.
private struct ThreeBypassSteps {
  var losses: [Double] = []
  var features: [[Float]] = []
  var discriminators: [[String: [Float]]] = []
  let model: [String: [Float]]
  let batchesTracked: [Int64]

  init(_ fixture: DataAttackFixture, scale: Float) throws {
    let thin = ThinModel(.resnet18, width: 8, convolution: .im2col)
    try thin.store.load(
      try StateDict(
        TorchArchive.read(path: Fixtures.path("attacks/common/thin8_init.pt")), file: "thin8",
        place: "root"))
    let discriminator = FeatureDiscriminator(features: 64, seed: 0)
    DataAttackFixture.fill(discriminator.store, salt: 5)
    let step = BypassStep(
      ClassifierStep(
        model: thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4),
        loss: CrossEntropy(), largestShare: 12, communicator: SoloCommunicator(),
        context: thin.context),
      discriminator: discriminator, ratio: 20)
    let table = Normalization.cifar10.table
    for index in 0..<3 {
      let recorded = try fixture("batches", "\(index)")
      let labels = try recorded("labels").integers.map { Int32($0) }
      var batch = Batch(
        images: try recorded("x_u8").images { table[$1 * 256 + Int($0)] * scale }.buffer,
        labels: labels,
        indices: Array(labels.indices), globalCount: labels.count)
      batch.roles = try recorded("flag").integers.map { $0 == 1 ? .triggered : .clean }
      let outcome = try step.run(batch, at: Moment(learningRate: 0.01))
      losses.append(outcome.crossEntropy.lossSum / Double(labels.count) + outcome.penalty)
      features.append(thin.model.features.array)
      discriminators.append(discriminator.store.valuesByName)
    }
    batchesTracked = discriminator.store.batchesTracked
    model = thin.store.valuesByName
  }
}
