import Core
import Distributed
import TestSupport
import Testing

/// The original code's tuning runs, replayed batch by batch from its own attack_result.pt
/// (`badnet_thin16`, a ResNet18 of width 16).
@Suite(.enabled(if: Fixtures.available(for: "ReplayTests")))
struct ReplayTests {
  private func attackedModel() throws -> ThinModel {
    let thin = ThinModel(.resnet18, width: 16)
    let attack = try AttackResult.read(path: Fixtures.path("badnet_thin16/attack_result.pt"))
    try thin.store.load(attack.model)
    return thin
  }

  /// 8-bit images `range` of `name` [N, 3, 32, 32], normalised as CIFAR-10.
  private func images(_ fixture: TorchFixture, _ name: String, _ range: Range<Int>) throws -> Tensor
  {
    let shape = Shape(batch: range.count, height: 32, width: 32, channels: 3)
    let (table, plane) = (Normalization.cifar10.table, 32 * 32)
    let bytes = try fixture.tensor(name).integers ?? []
    let values = bytes[range.lowerBound * 3 * plane..<range.upperBound * 3 * plane].enumerated()
      .map { index, byte in table[index / plane % 3 * 256 + Int(byte)] }
    return Tensor(nchw: values, shape)
  }

  @Test(arguments: [("fst", 0.1), ("ft", 0.0)])
  func replayedRunEndsInTheRecordedModel(_ mode: String, alpha: Double) throws {
    let fixture = try TorchFixture("badnet_thin16/\(mode)_replay.pt")
    let thin = try attackedModel()
    let head = thin.model.head
    let penalty = FeatureShiftPenalty(head: head, of: thin.store, alpha: alpha)
    thin.store.set(head.weight, to: try fixture.values("linear_weight_init"))
    thin.store.set(head.bias, to: try fixture.values("linear_bias_init"))
    let step = ClassifierStep(
      model: thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 0),
      loss: CrossEntropy(), penalty: penalty, largestShare: 64, communicator: SoloCommunicator(),
      context: thin.context)
    let (losses, rates) = (try fixture.numbers("loss"), try fixture.numbers("lr"))
    let (sizes, labels) = (try fixture.labels("batch_sizes"), try fixture.labels("labels"))
    #expect(sizes.count == (mode == "fst" ? 8 : 4))
    var start = 0
    for (index, size) in sizes.enumerated() {
      let range = start..<start + Int(size)
      start = range.upperBound
      let batch = ThinModel.LabeledBatch(
        images: try images(fixture, "x_u8", range), labels: Array(labels[range])
      ).batch
      let result = try step.run(batch, at: Moment(learningRate: rates[index]))
      let loss = result.crossEntropy.lossSum / Double(size) + result.penalty
      expectClose(loss, losses[index], relative: 1e-4, "\(mode) loss \(index)")
    }
    let result = try DefenseResult.read(
      path: Fixtures.path("badnet_thin16/\(mode)_defense_result.pt"))
    #expect(result.model.entries.count == 122)
    for entry in result.model.entries {
      guard case .float32(let expected) = entry.values else { continue }
      expectClose(thin.state()[entry.name] ?? [], expected, relative: 1e-4, entry.name)
    }
  }

  @Test func evaluatingLogitsEqualTheRecordedOnes() throws {
    let fixture = try TorchFixture("badnet_thin16/logits64.pt")
    let thin = try attackedModel()
    let images = try images(fixture, "images_u8_nchw", 0..<64)
    let logits = thin.model.forward(images, mode: .evaluating, context: thin.context).array
    let expected = try fixture.numbers("logits_float64")
    #expect(logits.count == expected.count && logits.count == 640)
    let largest = zip(logits, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(largest < 1e-4)
  }
}
