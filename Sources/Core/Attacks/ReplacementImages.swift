import Distributed
import Foundation

/// Images that take the places of a dataset's own, by position: those that lc and ssba put in.
///
/// A file has one for each image of the whole training or test set, in the originals' form: an .npy
/// of bytes, [N, H, W, 3]. Only those that are asked for are kept.
package struct ReplacementImages: Sendable {
  /// The bytes of each image, by its position in the dataset: [H, W, 3] each.
  private var images: [Int: ArraySlice<UInt8>] = [:]

  /// `bytes` [positions.count, H, W, 3] for the images at `positions`.
  package init(_ bytes: [UInt8], at positions: [Int]) {
    let size = bytes.count / max(positions.count, 1)
    for (slot, position) in positions.enumerated() {
      images[position] = bytes[slot * size..<(slot + 1) * size]
    }
  }

  /// Those for `positions` of `set`, from the file at `path`; read on rank 0, told to all ranks.
  ///
  /// Throws `NumpyFileError` unless it has one of its size for each image of `set`.
  init(
    _ path: String, for positions: [Int], of set: LabeledImages, communicator: any Communicator
  ) throws {
    var read: [UInt8] = []
    try communicator.onRankZero {
      let array = try NumpyFile.read(path)
      let bytes = try Self.bytes(
        of: array, path, shape: [set.count, set.height, set.width, 3])
      for position in positions { read += bytes[set.range(of: position)] }
    }
    self.init(try communicator.fromRankZero(bytes: read), at: positions)
  }

  /// All of the file at `path`, for the test images of `place`.
  init(_ path: String, _ place: TriggerPlace) throws {
    var (bytes, count) = ([UInt8](), 0)
    count = try place.communicator.fromRankZero {
      let array = try NumpyFile.read(path)
      let shape = [place.testCount ?? array.shape.first ?? 0, place.height, place.width, 3]
      bytes = try Self.bytes(of: array, path, shape: shape)
      return shape[0]
    }
    self.init(
      try place.communicator.fromRankZero(bytes: bytes), at: Array(0..<count))
  }

  private static func bytes(
    of array: NumpyArray, _ path: String, shape: [Int]
  ) throws -> [UInt8] {
    guard let bytes = array.unsignedBytes, array.shape == shape else {
      throw NumpyFileError(
        path: path,
        reason: "expected uint8 of \(shape), one for each image of the set, found "
          + "\(array.type.name) of \(array.shape)")
    }
    return bytes
  }

  /// Puts the image for `position` into `pixels`, if there is one.
  package func replace(_ pixels: UnsafeMutableBufferPointer<UInt8>, at position: Int) {
    guard let image = images[position] else { return }
    precondition(image.count == pixels.count, "\(image.count) bytes for \(pixels.count)")
    _ = pixels.update(fromContentsOf: image)
  }
}
