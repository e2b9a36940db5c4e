import FileShim
import Foundation

/// The folders of triggered images beside an archive: `<original label>/<index>.png`.
public enum PoisonFolder {
  /// Name of the folder of triggered training images.
  public static let trainName = "bd_train_dataset"
  /// Name of the folder of triggered test images.
  public static let testName = "bd_test_dataset"

  /// One image of a folder, by its place in the dataset it was made from.
  public struct Entry: Equatable, Sendable {
    /// The image's position in the clean dataset.
    public let index: Int
    /// Its class before the attack.
    public let originalLabel: Int
    /// Its path below the folder: `<original label>/<index>.png`.
    public var relativePath: String { "\(originalLabel)/\(index).png" }
  }

  /// The images of `dataset` that a folder holds: the triggered ones, in their order.
  public static func entries(of dataset: PoisonedDataset) -> [Entry] {
    positions(of: dataset).map {
      Entry(index: dataset.originalIndices[$0], originalLabel: dataset.originalLabels[$0])
    }
  }

  /// Writes the triggered images of `dataset` as PNG, on at most `threads` threads; a folder that
  /// was at `path` is replaced.
  ///
  /// The images are written into a new folder beside it that then changes places with it, so `path`
  /// never holds a part of one run or parts of two, and where the file system can exchange two
  /// names it is never absent. Throws `ImageError`.
  public static func write(
    _ dataset: PoisonedDataset, to path: String, threads: Int? = nil
  ) throws {
    let (parent, name) = (PathText.folder(of: path), PathText.name(of: path))
    let fresh = PathText.join(parent, ".\(name)\(RunFolder.partialEnding)")
    let stale = PathText.join(parent, ".\(name)\(RunFolder.replacedEnding)")
    try change(fresh) { try removeIfPresent(fresh) }
    do {
      try writeAll(dataset, into: fresh, threads: threads)
    } catch {
      try? removeIfPresent(fresh)
      throw error
    }
    try change(path) {
      try removeIfPresent(stale)
      if RegularFile.isTaken(path) {
        guard fst_exchange(fresh, path) != 0 else { return try removeIfPresent(fresh) }
        try FileManager.default.moveItem(atPath: path, toPath: stale)
      }
      try FileManager.default.moveItem(atPath: fresh, toPath: path)
      try removeIfPresent(stale)
    }
  }

  private static func writeAll(
    _ dataset: PoisonedDataset, into folder: String, threads: Int?
  ) throws {
    let positions = positions(of: dataset)
    try change(folder) {
      try createFolder(folder)
      for label in Set(positions.map { dataset.originalLabels[$0] }) {
        try createFolder("\(folder)/\(label)")
      }
    }
    try writeImages(at: positions, of: dataset, into: folder, threads: threads)
  }

  private static func positions(of dataset: PoisonedDataset) -> [Int] {
    dataset.isPoisoned.indices.filter { dataset.isPoisoned[$0] }
  }

  private static func writeImages(
    at positions: [Int], of dataset: PoisonedDataset, into folder: String, threads: Int?
  ) throws {
    let images = dataset.images
    try images.pixels.withUnsafeBufferPointer { pixels in
      try ParallelLoop.forEach(positions.count, threads: threads) { item in
        let position = positions[item]
        let entry = Entry(
          index: dataset.originalIndices[position],
          originalLabel: dataset.originalLabels[position])
        let path = "\(folder)/\(entry.relativePath)"
        let bytes = try ImageFile.encodePNG(
          UnsafeBufferPointer(rebasing: pixels[images.range(of: position)]), width: images.width,
          height: images.height, path: path)
        try ImageFile.write(bytes, to: path)
      }
    }
  }

  /// Runs a change of the file system, whose errors become one line about `path`.
  private static func change(_ path: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw ImageError.unwritable(path: path, reason: error.localizedDescription)
    }
  }

  private static func createFolder(_ path: String) throws {
    // Not with its parents: what stands there already, such as a link, is an error.
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  private static func removeIfPresent(_ path: String) throws {
    guard RegularFile.isTaken(path) else { return }
    try FileManager.default.removeItem(atPath: path)
  }
}
