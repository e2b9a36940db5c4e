import Foundation

/// What is wrong with a folder of triggered images.
public enum PoisonFolderError: Error, CustomStringConvertible, Equatable, Sendable {
  /// The folder is not there or holds no image of the expected name.
  case empty(path: String)
  /// An image lies below a folder whose name is no class of the dataset.
  case labelOutOfRange(path: String, label: Int, classCount: Int)
  /// Two images claim to be made from the same image of the dataset.
  case duplicate(path: String, index: Int)
  /// More images than memory holds.
  case tooMany(path: String, count: Int, size: Int)
  /// An image is not as large as the dataset's.
  case imageSize(path: String, expected: String, found: String)

  /// One line: which file, what was expected and found.
  public var description: String {
    switch self {
    case .empty(let path): "\(path): expected images <original label>/<index>.png, found none"
    case .labelOutOfRange(let path, let label, let classCount):
      "\(path): expected an original label in 0...\(classCount - 1), found \(label)"
    case .duplicate(let path, let index):
      "\(path): expected one image of index \(index), found two"
    case .tooMany(let path, let count, let size):
      "\(path): expected images that fit into memory, found \(count) of \(size) bytes each"
    case .imageSize(let path, let expected, let found):
      "\(path): expected an image of \(expected) pixels, found \(found)"
    }
  }
}

extension PoisonFolder {
  /// Reads a folder of triggered images, ordered by index; other files and folders are ignored.
  ///
  /// Every image counts as triggered. Its label is what `labels` makes of its original label, which
  /// must be below the number of `classNames`; its size must be `height` x `width`. Throws
  /// `PoisonFolderError` or `ImageError`.
  public static func read(
    _ path: String, height: Int, width: Int, classNames: [String], labels: LabelTransform,
    threads: Int? = nil
  ) throws -> PoisonedDataset {
    let entries = try list(path, classCount: classNames.count)
    let wanted = Picture.Size(width: width, height: height)
    let size = wanted.valueCount
    try requireRoom(for: entries, size: size, below: path)
    var pixels = [UInt8](repeating: 0, count: entries.count * size)
    try pixels.withUnsafeMutableBufferPointer { pixels in
      let target = pixels
      try ParallelLoop.forEach(entries.count, threads: threads) { item in
        let file = "\(path)/\(entries[item].relativePath)"
        let picture = try Picture(BytePath(file))
        guard picture.size == wanted else {
          throw PoisonFolderError.imageSize(
            path: file, expected: "\(wanted)", found: "\(picture.size)")
        }
        let slot = UnsafeMutableBufferPointer(rebasing: target[item * size..<(item + 1) * size])
        try picture.decode(into: slot)
      }
    }
    let originalLabels = entries.map(\.originalLabel)
    let images = LabeledImages(
      pixels: pixels, labels: originalLabels.map { labels($0) }, height: height, width: width,
      classNames: classNames)
    return PoisonedDataset(
      images: images, originalLabels: originalLabels,
      isPoisoned: [Bool](repeating: true, count: entries.count),
      originalIndices: entries.map(\.index))
  }

  /// How the images below `path` differ from those that `record` names; nil where they do not.
  static func difference(of path: String, from record: PoisonedSetRecord) throws -> String? {
    var found: Set<String> = []
    do {
      found = Set(try list(path, classCount: .max).map(\.relativePath))
    } catch PoisonFolderError.empty {}
    let named = Set(
      record.entries.map { entry in
        let original = entry.otherInfo.count > 1 ? entry.otherInfo[1] : -1
        return Entry(index: entry.index, originalLabel: original).relativePath
      })
    if let missing = named.subtracting(found).min() { return "it has no \(missing)" }
    return found.subtracting(named).min().map { "it has \($0) too" }
  }

  /// Throws unless all images fit into this machine's memory.
  ///
  /// Links can make one small file many images.
  private static func requireRoom(for entries: [Entry], size: Int, below path: String) throws {
    let (bytes, overflow) = entries.count.multipliedReportingOverflow(by: size)
    guard overflow || UInt64(bytes) > ProcessInfo.processInfo.physicalMemory else { return }
    throw PoisonFolderError.tooMany(path: path, count: entries.count, size: size)
  }

  /// The images below `path` whose names are `<number>/<number>.png`, ordered by index.
  private static func list(_ path: String, classCount: Int) throws -> [Entry] {
    var entries: [Entry] = []
    for folder in names(in: path) {
      guard let label = number(folder) else { continue }
      let found = names(in: "\(path)/\(folder)").compactMap { name -> Entry? in
        guard name.hasSuffix(".png"), let index = number(String(name.dropLast(4))) else {
          return nil
        }
        return Entry(index: index, originalLabel: label)
      }
      if let first = found.first, label >= classCount {
        throw PoisonFolderError.labelOutOfRange(
          path: "\(path)/\(first.relativePath)", label: label, classCount: classCount)
      }
      entries += found
    }
    guard !entries.isEmpty else { throw PoisonFolderError.empty(path: path) }
    entries.sort { ($0.index, $0.originalLabel) < ($1.index, $1.originalLabel) }
    for (entry, next) in zip(entries, entries.dropFirst()) where entry.index == next.index {
      throw PoisonFolderError.duplicate(
        path: "\(path)/\(next.relativePath)", index: next.index)
    }
    return entries
  }

  private static func names(in path: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
  }

  /// The number that `text` is the shortest decimal form of.
  private static func number(_ text: String) -> Int? {
    guard let value = Int(text), value >= 0, String(value) == text else { return nil }
    return value
  }
}
