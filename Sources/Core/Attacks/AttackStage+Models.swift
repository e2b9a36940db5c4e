import Distributed
import Foundation

extension AttackStage {
  /// The trained model of the archive at `path`, on every rank, with what makes its inputs of pixels;
  /// it is for images of this run's size and classes.
  func pixelModel(_ path: String) throws -> PixelModel {
    let archive = try AttackedArchive(path: path, communicator: communicator)
    let trained = try AttackedModel(archive, for: dataset.train, communicator: communicator)
    let statistics = archive.description.pixelStatistics.completed(
      by: configuration.pixelStatistics)
    return PixelModel(
      trained.model, normalization: statistics.normalization(of: configuration.dataset),
      context: ComputeContext(
        threads: ThreadCount.resolve(requested: configuration.threads),
        convolution: configuration.convolution, precision: configuration.precision))
  }

  /// The training images that are poisoned, by their positions in the whole training set.
  func poisonedPositions() throws -> [Int] {
    let train = dataset.train
    let split = try AttackData.split(configuration, train)
    let labels = split.map { train.labels[$0] }
    return try AttackData.poisoned(configuration, labels: labels).map { split[$0] }
  }

  /// What a signal on any rank asks for: all ranks call it, and stop together.
  func checkInterruption() throws {
    let mine: Int64 = stage.interruption.isRequested ? 1 : 0
    guard try communicator.allReduceMaximum(mine) > 0 else { return }
    throw PreparationStopped(
      outcome: AttackOutcome(
        folder: configuration.folder, metrics: BackdoorMetrics(), finishedEpochs: 0,
        stopped: TrainingPosition(), seconds: 0))
  }
}
