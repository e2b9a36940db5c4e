import Foundation
import Synchronization

/// Decodes pictures into one array: of one size, which all their headers are known to say first, or
/// each resized to the size that is asked for.
///
/// Memory is taken for the pixels in their last place, and on each thread for the one picture that is
/// being resized.
final class PictureDecoder {
  /// How many faults are told of one by one.
  private static let shown = 3

  /// Pictures whose data have faults that the decoder went on after.
  private(set) var damaged = LeftOut()
  /// Pictures that had another size.
  var resizedCount: Int { resized.load(ordering: .relaxed) }
  private let resized = Atomic(0)
  private let files: [BytePath]
  /// What all pictures have, or are resized to.
  let size: ImageSize
  private let resizes: Bool
  private let threads: Int?
  private let request: DatasetRequest
  private let decoded = Atomic(0)

  /// The most bytes of a file: more than any picture has whose sides are `LabeledImages.sides`.
  private var maximumBytes: Int { resizes ? ImageFile.maximumBytes : 1 << 25 }

  /// Pictures to be resized where `request` names a size; else it looks at the header of each, and
  /// all must be as large as the first.
  ///
  /// Throws `ImageError` or `DatasetError`: the fault, or the first ones and their number.
  init(_ files: [BytePath], folder: String, _ request: DatasetRequest) throws {
    (self.files, threads, resizes) = (files, request.threads, request.size != nil)
    self.request = request
    size = try request.size ?? Self.commonSize(of: files, threads: request.threads)
    guard Self.hasMemory(files.count * size.valueCount) else {
      throw DatasetError.memory(
        path: folder, images: files.count, bytes: files.count * size.valueCount)
    }
  }

  private static func commonSize(of files: [BytePath], threads: Int?) throws -> ImageSize {
    let size = try Picture(files[0], limit: 1 << 25).size
    guard LabeledImages.sides.contains(size.width), LabeledImages.sides.contains(size.height) else {
      throw DatasetError.sides(path: "\(files[0])", found: "\(size)")
    }
    try throwFaults(files.indices, of: files, threads: threads) { _, file in
      try requireSize(size, of: Picture(file, limit: 1 << 25))
    }
    return size
  }

  private static func requireSize(_ size: ImageSize, of picture: Picture) throws {
    guard picture.size == size else {
      throw DatasetError.imageSize(
        path: picture.path, expected: "\(size)", found: "\(picture.size)")
    }
  }

  /// The pixels of the files at `range`, one after the other; throws as `init` does.
  func decode(_ range: Range<Int>) throws -> [UInt8] {
    let total = range.count * size.valueCount
    let faulty = Mutex<[Int]>([])
    let pixels = try [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
      nonisolated(unsafe) let target = buffer
      try Self.throwFaults(range, of: files, threads: threads) { item, file in
        let start = item * size.valueCount
        let slot = UnsafeMutableBufferPointer(rebasing: target[start..<start + size.valueCount])
        if try decode(file, into: slot) > 0 { faulty.withLock { $0.append(item) } }
        request.count(decoded, of: files.count)
      }
      count = total
    }
    for item in faulty.withLock({ $0.sorted() }) {
      damaged.add(files[range.lowerBound + item], "damaged")
    }
    return pixels
  }

  /// Decodes one picture; returns the number of faults in its data.
  private func decode(
    _ file: BytePath, into slot: UnsafeMutableBufferPointer<UInt8>
  ) throws -> Int {
    let picture = try Picture(file, limit: maximumBytes)
    if picture.size == size { return try picture.decode(into: slot) }
    if !resizes { try Self.requireSize(size, of: picture) }
    resized.add(1, ordering: .relaxed)
    let count = picture.size.valueCount
    var faults = 0
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      faults = try picture.decode(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      filled = count
    }
    let image = RGBImage(pixels: pixels, width: picture.size.width, height: picture.size.height)
    let resized = ImageResize.bilinear(image, width: size.width, height: size.height)
    _ = slot.initialize(fromContentsOf: resized.pixels)
    return faults
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
