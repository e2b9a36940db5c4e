import Foundation

/// Finds a dataset by its name and folder and reads it.
public enum DatasetLoader {
  /// Reads the dataset called `name` from `path`, or from a folder below it where its files usually
  /// are.
  ///
  /// Images are resized to `size`, nil is the dataset's own. Generated ones come from `seed` and need
  /// no path. Pictures are decoded on at most `threads` threads, nil are all processors of this
  /// process, those of the training set only unless `isTestOnly`. An archived path is one that nobody
  /// gave here, which errors then say. `progress` is told how far the reading is. Throws `DatasetError`, or `ImageError` for a picture that
  /// cannot be decoded.
  public static func load(
    name: String, path: String, size: ImageSize? = nil, seed: UInt64, threads: Int? = nil,
    isTestOnly: Bool = false, isArchivedPath: Bool = false, progress: ReadingProgress? = nil
  ) throws -> DatasetPair {
    guard let kind = Datasets.named(name) else { throw DatasetError.unknownName(name) }
    var request = DatasetRequest(
      size: size ?? kind.side.map { ImageSize(side: $0) }, seed: seed,
      isTestOnly: isTestOnly, threads: threads)
    request.progress = progress
    do {
      return try load(kind, path: path, request)
    } catch let error as DatasetError where isArchivedPath && error.isAbsence {
      throw DatasetError.archivedPath(path, problem: error.description)
    }
  }

  private static func load(
    _ kind: DatasetKind, path: String, _ request: DatasetRequest
  ) throws -> DatasetPair {
    for folder in [path] + kind.folders.map({ PathText.join(path, $0) }) {
      for layout in kind.layouts where layout.isIn(folder) {
        var pair = try layout.read(folder, request)
        if let size = request.size { pair.resize(to: size, threads: request.threads) }
        return pair
      }
    }
    throw DatasetError.missing(dataset: kind.name, path: path)
  }
}

extension DatasetPair {
  /// Resizes the images of both halves that are not of `size`, one half after the other.
  fileprivate mutating func resize(to size: ImageSize, threads: Int?) {
    train = train.resized(to: size, threads: threads)
    test = test.resized(to: size, threads: threads)
  }
}

extension DatasetLayout {
  /// Images in train/<class>/ and test/<class>/ of a dataset whose classes are known: as many
  /// folders, whose sorted names are in the order of its labels, and images of its size.
  static func images(of classNames: [String], side: Int) -> DatasetLayout {
    DatasetLayout(isIn: { ImageFolder.isPresent(in: $0) }) { folder, request in
      let pair = try ImageFolder.load(folder: folder, threads: request.threads)
      let train = "\(folder)/train"
      guard pair.train.classCount == classNames.count else {
        throw DatasetError.classMismatch(
          path: train, expected: classNames, found: pair.train.classNames)
      }
      guard pair.train.height == side, pair.train.width == side else {
        throw DatasetError.unexpected(
          path: train, expected: "images of \(side)x\(side) pixels",
          found: "\(pair.train.width)x\(pair.train.height)")
      }
      return pair
    }
  }

  /// Whether any of `files` is in `folder`.
  static func holds(_ files: [String], _ folder: String) -> Bool {
    files.contains { FileManager.default.fileExists(atPath: PathText.join(folder, $0)) }
  }
}
