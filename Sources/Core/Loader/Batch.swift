import Distributed

/// One rank's share of one global batch, ready for the model.
public struct Batch: Sendable {
  /// Normalised images, NHWC: [count, height, width, channels].
  public let images: FloatBuffer
  /// Label of each image: [count].
  public let labels: [Int32]
  /// Position of each image in its dataset: [count].
  public let indices: [Int]
  /// Images of the whole batch over all ranks.
  public let globalCount: Int
  /// What keys the images' random draws inside a network; nil where nothing is drawn.
  public let draws: PassDraws?

  /// Images in this rank's share; may be 0 where the last batch is smaller than the world.
  public var count: Int { labels.count }

  /// Joins a rank's images with their labels and their positions in the dataset.
  public init(
    images: FloatBuffer, labels: [Int32], indices: [Int], globalCount: Int, draws: PassDraws? = nil
  ) {
    self.images = images
    self.labels = labels
    self.indices = indices
    self.globalCount = globalCount
    self.draws = draws
  }

  /// The images of part `index` of `count` nearly equal ones; the last has one if any has.
  func range(ofPart index: Int, of count: Int) -> Range<Int> {
    labels.count * index / count..<labels.count * (index + 1) / count
  }

  /// The images in `range`, copied to `buffer`, which has room for them; the global count stays.
  func part(_ range: Range<Int>, copiedTo buffer: FloatBuffer) -> Batch {
    let imageSize = labels.isEmpty ? 0 : images.count / labels.count
    buffer.pointer.update(
      from: images.pointer + range.lowerBound * imageSize, count: range.count * imageSize)
    return Batch(
      images: buffer, labels: Array(labels[range]), indices: Array(indices[range]),
      globalCount: globalCount, draws: draws?.part(range))
  }
}
