import Foundation
import Synchronization

/// Decodes the pictures of a folder, once all their headers are known to say the same size.
final class ImageFolderDecoder {
  /// More than any picture has whose sides are `LabeledImages.sides`.
  private static let maximumBytes = 1 << 25
  /// How many faults are told of one by one.
  private static let shown = 3

  /// Pictures whose data have faults that the decoder went on after.
  private(set) var damaged = LeftOut()
  private let files: [BytePath]
  private let size: Picture.Size
  private let threads: Int?

  /// Looks at the header of each of `files`: all must be as large as the first.
  ///
  /// Throws `ImageError` or `DatasetError`: the fault, or the first ones and their number.
  init(_ files: [BytePath], folder: String, threads: Int?) throws {
    self.files = files
    self.threads = threads
    let size = try Picture(files[0], limit: Self.maximumBytes).size
    self.size = size
    guard LabeledImages.sides.contains(size.width), LabeledImages.sides.contains(size.height) else {
      throw DatasetError.sides(path: "\(files[0])", found: "\(size)")
    }
    try Self.throwFaults(files.indices, of: files, threads: threads) { _, file in
      let found = try Picture(file, limit: Self.maximumBytes).size
      guard found == size else {
        throw DatasetError.imageSize(path: "\(file)", expected: "\(size)", found: "\(found)")
      }
    }
    guard Self.hasMemory(files.count * size.valueCount) else {
      throw DatasetError.memory(
        path: folder, images: files.count, bytes: files.count * size.valueCount)
    }
  }

  /// The pixels of the files at `range`, one after the other; throws as `init` does.
  func decode(_ range: Range<Int>) throws -> [UInt8] {
    let total = range.count * size.valueCount
    let faulty = Mutex<[Int]>([])
    let pixels = try [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
      nonisolated(unsafe) let target = buffer
      try Self.throwFaults(range, of: files, threads: threads) { [size] item, file in
        let picture = try Picture(file, limit: Self.maximumBytes)
        guard picture.size == size else {
          throw DatasetError.imageSize(
            path: "\(file)", expected: "\(size)", found: "\(picture.size)")
        }
        let start = item * size.valueCount
        let slot = UnsafeMutableBufferPointer(rebasing: target[start..<start + size.valueCount])
        if try picture.decode(into: slot) > 0 { faulty.withLock { $0.append(item) } }
      }
      count = total
    }
    for item in faulty.withLock({ $0.sorted() }) {
      damaged.add(files[range.lowerBound + item], "damaged")
    }
    return pixels
  }

  /// Pixels that `decode` has given, with their labels.
  func images(_ pixels: [UInt8], labels: [Int], classNames: [String]) -> LabeledImages {
    LabeledImages(
      pixels: pixels, labels: labels, height: size.height, width: size.width,
      classNames: classNames)
  }

  /// Calls `body` for each file at `range`, with its place there.
  ///
  /// Throws the fault of the only one that has one, else `DatasetError.several`.
  private static func throwFaults(
    _ range: Range<Int>, of files: [BytePath], threads: Int?,
    _ body: (_ item: Int, _ file: BytePath) throws -> Void
  ) throws {
    let failures = ParallelLoop.failures(range.count, threads: threads, keeping: shown) { item in
      try body(item, files[range.lowerBound + item])
    }
    guard let first = failures.first.first else { return }
    if failures.count == 1 { throw first.error }
    throw DatasetError.several(
      first: failures.first.map { "\($0.error)" }, count: failures.count, total: range.count)
  }

  /// Whether the system gives so many bytes at all: an array that it denies would end the program.
  private static func hasMemory(_ count: Int) -> Bool {
    let place = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let place, place != MAP_FAILED else { return false }
    return munmap(place, count) == 0
  }
}
