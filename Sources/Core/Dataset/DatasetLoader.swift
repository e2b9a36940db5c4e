import Foundation

/// Finds a dataset by its name and folder and reads it.
public enum DatasetLoader {
  /// Folders below the given one where CIFAR-10's files usually are.
  public static let usualFolders = ["cifar10", "cifar-10-batches-bin", "cifar-10-batches-py"]

  /// Reads the dataset called `name` (a `DatasetName`) from `path`.
  ///
  /// CIFAR-10 may be the binary files, the Python pickles or a folder of images; it is looked for
  /// in
  /// `path` and in `usualFolders` below it. Synthetic images are generated from `seed` and need no
  /// path. Pictures are decoded on at most `threads` threads, nil are all processors of this
  /// process. An archived path is one that nobody gave here, which errors then say. Throws `DatasetError`, or `ImageError` for a picture that cannot be decoded.
  public static func load(
    name: String, path: String, seed: UInt64, threads: Int? = nil, isArchivedPath: Bool = false
  ) throws -> DatasetPair {
    do {
      return try load(name: name, path: path, seed: seed, threads: threads)
    } catch let error as DatasetError where isArchivedPath && error.isAbsence {
      throw DatasetError.archivedPath(path, problem: error.description)
    }
  }

  private static func load(
    name: String, path: String, seed: UInt64, threads: Int?
  ) throws -> DatasetPair {
    guard let dataset = DatasetName(rawValue: name) else { throw DatasetError.unknownName(name) }
    switch dataset {
    case .synthetic: return SyntheticImages().generate(seed: seed)
    case .imageFolder: return try ImageFolder.load(folder: path, threads: threads)
    case .cifar10: return try loadCIFAR10(path: path, threads: threads)
    }
  }

  private static func loadCIFAR10(path: String, threads: Int?) throws -> DatasetPair {
    let below = usualFolders.map { PathText.join(path, $0) }
    for folder in [path] + below {
      if CIFAR10Binary.isPresent(in: folder) { return try CIFAR10Binary.load(folder: folder) }
      if isPythonVersion(folder) { return try loadPythonVersion(folder) }
      if ImageFolder.isPresent(in: folder) { return try loadImages(folder, threads: threads) }
    }
    throw DatasetError.missing(path: path)
  }

  private static func isPythonVersion(_ folder: String) -> Bool {
    (CIFAR10Python.trainFiles + ["test_batch"]).contains {
      FileManager.default.fileExists(atPath: "\(folder)/\($0)")
    }
  }

  private static func loadPythonVersion(_ folder: String) throws -> DatasetPair {
    let (train, test) = try CIFAR10Python.load(folder: folder)
    return DatasetPair(
      train: train, test: test,
      warnings: CIFAR10Binary.missingFiles(
        CIFAR10Python.trainFiles, in: folder, imagesFound: train.count))
  }

  /// CIFAR-10 as images: ten classes, whose sorted names are in the order of its labels, 32x32.
  private static func loadImages(_ folder: String, threads: Int?) throws -> DatasetPair {
    let pair = try ImageFolder.load(folder: folder, threads: threads)
    let train = "\(folder)/train"
    guard pair.train.classCount == CIFAR10Binary.classNames.count else {
      throw DatasetError.classMismatch(
        path: train, expected: CIFAR10Binary.classNames, found: pair.train.classNames)
    }
    guard pair.train.height == CIFAR10Binary.side, pair.train.width == CIFAR10Binary.side else {
      throw DatasetError.imageSize(
        path: train, expected: "32x32", found: "\(pair.train.width)x\(pair.train.height)")
    }
    return pair
  }
}
