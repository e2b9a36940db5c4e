import Distributed

/// Takes along what the head is given, for chosen images of a set that ranks share.
///
/// It owns the rows it has taken. Each rank fills those of its own images and leaves zeros in the
/// others, so their sum over the ranks is exact.
public final class FeatureCollector {
  /// The rows in the order in which images were asked for; complete on every rank after the run.
  public let features: FeatureMatrix
  private let rows: [Int: Int]

  /// A collector for the images at `indices` of a set, whose features have `dimensions` values.
  public init(indices: [Int], dimensions: Int) {
    rows = Dictionary(uniqueKeysWithValues: zip(indices, 0...))
    features = FeatureMatrix(rows: indices.count, columns: dimensions)
  }

  /// Copies the wanted rows of `tensor` [N, 1, 1, dimensions], the features of `batch`.
  func take(_ tensor: Tensor, of batch: Batch) {
    let dimensions = features.columns
    precondition(tensor.shape.channels == dimensions, "\(tensor.shape) for rows of \(dimensions)")
    for (position, index) in batch.indices.enumerated() {
      guard let row = rows[index] else { continue }
      features.row(row).update(from: tensor.pointer + position * dimensions, count: dimensions)
    }
  }

  /// Gives every rank the rows of all.
  func join(_ communicator: any Communicator) throws {
    guard communicator.worldSize > 1 else { return }
    try communicator.allReduceSum(features.buffer.floats)
  }
}
