import Core
import Distributed
import TestSupport
import Testing

/// Confusion matrices as an evaluation counts them.
@Suite struct EvaluatorConfusionTests {
  private struct Observer: TrainingObserver {
    func observe(_ event: TrainingEvent) {}
  }

  private static let images = SyntheticImages().images(count: 50, seed: 0, split: .test)

  private func results(worldSize: Int, counts: Bool = true) throws -> [Evaluator.Result] {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let model = Network(
        .resnet18, width: 2, classCount: 10,
        inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
      Initializer.initialize(model.store, seed: 0)
      var evaluator = Evaluator(
        model: model, batchSize: 20, normalization: .cifar10, communicator: communicator,
        context: ComputeContext(threads: 1), observer: Observer())
      evaluator.countsConfusion = counts
      return try evaluator.run(Self.images, originalLabels: Self.images.labels)
    }
  }

  @Test(arguments: [1, 2, 3]) func theDiagonalIsTheMatchesOnAllRanks(worldSize: Int) throws {
    let alone = try results(worldSize: 1)[0].confusion
    for result in try results(worldSize: worldSize) {
      let confusion = try #require(result.confusion)
      #expect(confusion.total == 50 && confusion.total == result.total)
      #expect((0..<10).reduce(0) { $0 + confusion[$1, $1] } == result.matches)
      for label in 0..<10 {
        #expect(confusion.total(of: label) == Int64(Self.images.labels.count { $0 == label }))
      }
      #expect(confusion == alone)
    }
  }

  @Test func itIsCountedWhereAskedForAlone() throws {
    #expect(try results(worldSize: 1, counts: false)[0].confusion == nil)
  }
}
