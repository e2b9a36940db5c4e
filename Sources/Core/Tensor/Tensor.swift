import Distributed

/// The size of an activation: N images of H x W pixels with C channels, stored NHWC.
public struct Shape: Equatable, Sendable, CustomStringConvertible {
  /// N, the images.
  public var batch: Int
  /// H, the rows.
  public var height: Int
  /// W, the columns.
  public var width: Int
  /// C, the channels.
  public var channels: Int

  /// A shape of `batch` x `height` x `width` x `channels`.
  public init(batch: Int, height: Int, width: Int, channels: Int) {
    self.batch = batch
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// The same height, width and channels with another number of images.
  public func withBatch(_ batch: Int) -> Shape {
    Shape(batch: batch, height: height, width: width, channels: channels)
  }

  /// N x H x W: the number of pixels over all images.
  public var pixels: Int { batch * height * width }
  /// N x H x W x C: the number of floats.
  public var count: Int { pixels * channels }
  /// The sizes as `NxHxWxC`.
  public var description: String { "\(batch)x\(height)x\(width)x\(channels)" }
}

/// An activation or its gradient: a shape over memory that may have room for a larger batch.
public struct Tensor: Sendable {
  /// The memory, at least `shape.count` floats.
  public let buffer: FloatBuffer
  /// The current shape; only its batch ever changes.
  public private(set) var shape: Shape

  /// Allocates zeros of `shape`.
  public init(_ shape: Shape) {
    self.init(shape, in: FloatBuffer(count: shape.count))
  }

  /// A tensor of `shape` in the memory of `old` where that has room, else in zeros of its own.
  ///
  /// Fresh pages cost more than they look: the first touch of 640 MB took a virtual machine 1 s.
  init(_ shape: Shape, reusing old: Tensor?) {
    if let old, old.buffer.count >= shape.count {
      self.init(shape, in: old.buffer)
    } else {
      self.init(shape)
    }
  }

  /// A tensor of `shape` at the start of `buffer`.
  public init(_ shape: Shape, in buffer: FloatBuffer) {
    precondition(buffer.count >= shape.count, "\(shape) in a buffer of \(buffer.count) floats")
    self.buffer = buffer
    self.shape = shape
  }

  /// The first float.
  public var pointer: UnsafeMutablePointer<Float> { buffer.pointer }

  /// The first float of image `image`.
  func pointer(image: Int) -> UnsafeMutablePointer<Float> {
    pointer + image * shape.withBatch(1).count
  }

  /// The same memory with another number of images.
  public func withBatch(_ batch: Int) -> Tensor {
    Tensor(shape.withBatch(batch), in: buffer)
  }

  /// Adds `pixels`, counted over all images, to those of `other`, which has the same shape.
  func add(to other: Tensor, pixels: Range<Int>) {
    precondition(shape == other.shape, "\(shape) added to \(other.shape)")
    let range = pixels.lowerBound * shape.channels..<pixels.upperBound * shape.channels
    for place in range { other.pointer[place] += pointer[place] }
  }

  /// A copy of the floats, NHWC.
  public var array: [Float] { Array(buffer.floats[..<shape.count]) }
}
