import Core
import Distributed
import TestSupport
import Testing

/// What `withFixedWeights` and an earlier training leave behind shows in speed alone.
@Suite struct FixedWeightsTests {
  /// Width 16: every 3x3 layer but the stem is Winograd's, which keeps packed weights.
  struct Network {
    let thin: ThinModel
    let images: Tensor

    init(batch: Int = 3, precision: PrecisionChoice = .float32) {
      thin = ThinModel(.resnet18, width: 16, precision: precision)
      Initializer.initialize(thin.store, seed: 0)
      var stream = RandomStream(seed: 5, purpose: .test)
      images = Tensor(
        Shape(batch: batch, height: 32, width: 32, channels: 3),
        in: FloatBuffer((0..<batch * 3072).map { _ in stream.nextNormal() }))
    }

    func logits(_ mode: PassMode = .evaluating) -> [Float] {
      thin.model.forward(images, mode: mode, context: thin.context).array
    }

    func scaleParameters(by factor: Float) {
      for index in thin.whole { thin.store.values.pointer[index] *= factor }
    }
  }

  @Test(arguments: [PrecisionChoice.float32, .int16])
  func keptWeightsGiveTheSameBits(_ precision: PrecisionChoice) {
    let network = Network(precision: precision)
    let plain = network.logits()
    let kept = network.thin.context.withFixedWeights { [network.logits(), network.logits()] }
    #expect(kept == [plain, plain])
  }

  @Test func weightsChangedAfterwardsAreSeen() {
    let network = Network()
    let before = network.thin.context.withFixedWeights { network.logits() }
    network.scaleParameters(by: 0.9)
    let after = network.logits()
    #expect(after != before)
    #expect(network.thin.context.withFixedWeights { network.logits() } == after)
    let fresh = Network()
    fresh.scaleParameters(by: 0.9)
    #expect(fresh.logits() == after)
  }

  @Test func weightsAreReadAgainAfterAnError() {
    struct Failure: Error {}
    let network = Network()
    #expect(throws: Failure.self) {
      try network.thin.context.withFixedWeights {
        _ = network.logits()
        throw Failure()
      }
    }
    network.scaleParameters(by: 0.9)
    let fresh = Network()
    fresh.scaleParameters(by: 0.9)
    #expect(network.logits() == fresh.logits())
  }

  /// Training reserves more than evaluation, larger batches more than smaller ones.
  @Test func evaluationDoesNotDependOnWhatWasReserved() {
    let expected = Network().logits()
    let trained = Network()
    let running = trained.thin.store.bufferValues()
    _ = trained.logits(.training)
    #expect(trained.thin.store.bufferValues() != running)
    let statistics = trained.logits()
    let fresh = Network()
    fresh.copyBuffers(from: trained)
    #expect(fresh.logits() == statistics)
    #expect(statistics != expected)
  }

  @Test func evaluationBetweenTrainingPassesChangesNothing() {
    let (plain, mixed) = (Network(), Network())
    let expected = [plain.logits(.training), plain.logits(.training)]
    _ = mixed.logits()
    let first = mixed.logits(.training)
    _ = mixed.thin.context.withFixedWeights { mixed.logits() }
    #expect([first, mixed.logits(.training)] == expected)
  }
}

extension FixedWeightsTests.Network {
  /// Takes over another network's running statistics.
  func copyBuffers(from other: Self) {
    let (mine, theirs) = (thin.store.buffers, other.thin.store.buffers)
    mine.pointer.update(from: theirs.pointer, count: mine.count)
  }
}
