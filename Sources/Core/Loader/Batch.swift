import Distributed

/// What an attack has done to an image of a batch.
public enum ImageRole: UInt8, Sendable {
  /// Nothing.
  case clean
  /// It carries the trigger.
  case triggered
  /// It carries what is like the trigger and is not it, and keeps its label.
  case cross
}

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
  /// Position of the first image in the whole batch.
  public var start = 0
  /// What was done to each image: [count]; empty where no attack is known.
  public var roles: [ImageRole] = []
  /// The class of each image before any attack: [count]; empty where no attack is known.
  public var originalLabels: [Int32] = []

  /// Images in this rank's share; may be 0 where the last batch is smaller than the world.
  public var count: Int { labels.count }

  /// Joins a rank's images with their labels and their positions in the dataset.
  public init(
    images: FloatBuffer, labels: [Int32], indices: [Int], globalCount: Int
  ) {
    self.images = images
    self.labels = labels
    self.indices = indices
    self.globalCount = globalCount
  }

  /// The same images with other labels and roles; `originalLabels` stay.
  public func relabelled(_ labels: [Int32], roles: [ImageRole], images: FloatBuffer) -> Batch {
    var batch = Batch(images: images, labels: labels, indices: indices, globalCount: globalCount)
    (batch.start, batch.roles) = (start, roles)
    batch.originalLabels = originalLabels.isEmpty ? self.labels : originalLabels
    return batch
  }

  /// The images of `batches`, which have equally many, in turn: the first of each, then the second.
  init(interlacing batches: [Batch]) {
    let (first, parts) = (batches[0], batches.count)
    precondition(
      batches.allSatisfy { ($0.count, $0.start) == (first.count, first.start) }, "unequal batches")
    let size = first.labels.isEmpty ? 0 : first.images.count / first.count
    let images = FloatBuffer(count: first.count * parts * size)
    for image in 0..<first.count {
      for (part, batch) in batches.enumerated() {
        (images.pointer + (image * parts + part) * size).update(
          from: batch.images.pointer + image * size, count: size)
      }
    }
    func inTurn<Value>(_ values: (Batch) -> [Value]) -> [Value] {
      let all = batches.map(values)
      guard all.allSatisfy({ $0.count == first.count }) else { return [] }
      return (0..<first.count).flatMap { image in all.map { $0[image] } }
    }
    self.init(
      images: images, labels: inTurn(\.labels), indices: inTurn(\.indices),
      globalCount: first.globalCount * parts)
    (start, roles) = (first.start * parts, inTurn(\.roles))
    originalLabels = inTurn { $0.originalLabels }
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
    var part = Batch(
      images: buffer, labels: Array(labels[range]), indices: Array(indices[range]),
      globalCount: globalCount)
    part.start = start + range.lowerBound
    part.roles = roles.isEmpty ? [] : Array(roles[range])
    part.originalLabels = originalLabels.isEmpty ? [] : Array(originalLabels[range])
    return part
  }
}
