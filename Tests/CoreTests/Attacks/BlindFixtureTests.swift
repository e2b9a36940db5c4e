import Core
import Distributed
import TestSupport
import Testing

/// blind against what the original's code computed.
@Suite(.enabled(if: Fixtures.available(for: "BlindFixtureTests")))
struct BlindFixtureTests {
  private let rule = PixelRule(.cifar10, rounds: true)

  @Test func thePatternIsTheOriginals() throws {
    let fixture = try AttackFixture("blind/pattern.pt")
    let indices = try fixture["train_index"].integers
    let images = try AttackFixture.images(indices)
    for image in 0..<indices.count {
      BlindTrigger().apply(to: images.pointer + image * 3072, images.shape, by: rule)
    }
    #expect(largestDistance(images.array, try fixture["batch_out"].images.array) < 1e-6)
    var pictures = try AttackFixture.pictures(.train).selecting(indices)
    BlindTrigger().apply(to: &pictures, at: Array(0..<indices.count), split: .test, indices: nil)
    #expect(pictures.pixels == (try fixture["png_hwc"].integers.map { UInt8($0) }))
  }

  @Test func fourStepsAreTheOriginals() throws {
    let fixture = try AttackFixture("blind/steps.pt")
    let network = try AttackFixture.classifier()
    var settings = Blind()
    for (key, value) in [
      ("batch_history_len", ConfigValue.integer(Int(try fixture["batch_history_len"].number))),
      ("backdoor_batch_loss_threshold", .real(try fixture["loss_threshold"].number)),
    ] {
      let field = try #require(Blind.fields.first { $0.key == key })
      #expect(field.assign(value, &settings))
    }
    let step = BlindStep(
      ClassifierStep(
        model: network, optimizer: SGD(for: network.store, momentum: 0.9, weightDecay: 5e-4),
        loss: CrossEntropy(), largestShare: 12, communicator: SoloCommunicator(),
        context: ComputeContext(threads: 2, convolution: .im2col)),
      settings: settings, labels: .allToOne(target: 0), rule: rule, isPoisoned: true)
    let rate = try fixture["lr"].number
    let labels = try AttackFixture.pictures(.train).labels
    for index in 0..<4 {
      let indices = try fixture["train_index", "\(index)"].integers
      let outcome = try step.run(
        Batch(
          images: try AttackFixture.images(indices).buffer,
          labels: indices.map { Int32(labels[$0]) }, indices: indices, globalCount: indices.count),
        at: Moment(learningRate: rate))
      expectClose(
        outcome.crossEntropy.lossSum / Double(indices.count),
        try fixture["total", "\(index)"].number,
        relative: 1e-5, "loss \(index)")
    }
    let mine = network.store.parameterValues().merging(network.store.bufferValues()) { $1 }
    #expect(try distance(mine, digest: fixture["final"]) < 2e-3)
  }

  @Test(arguments: [
    (1.0, 2.0, 3.0, 0.999), (3.0, 2.0, 1.0, 0.001), (1.0, 0.0, 1.0, 0.5), (1.0, 0.0, 3.0, 0.75),
  ])
  func sharesMakeTheShortestSum(a: Double, b: Double, d: Double, share: Double) {
    #expect(BlindStep.share(a, b, d) == share)
  }
}
