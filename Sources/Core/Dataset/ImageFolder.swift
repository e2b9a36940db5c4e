import Foundation

/// A dataset of pictures: train/<class>/* and test/<class>/*, as PNG, JPEG or PPM of one size.
public enum ImageFolder {
  private static let extensions: Set<String> = ["png", "jpg", "jpeg", "ppm"]

  /// Whether `folder` has the folder train/.
  static func isPresent(in folder: String) -> Bool {
    var isFolder: ObjCBool = false
    let path = "\(folder)/train"
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// Reads both halves; labels are the places of the class names in their sorted order.
  ///
  /// Throws `DatasetError`, or `ImageError` for a file that cannot be decoded.
  public static func load(folder: String) throws -> DatasetPair {
    let train = "\(folder)/train"
    let test = "\(folder)/test"
    let classNames = try classes(in: train)
    let testNames = try classes(in: test)
    guard classNames == testNames else {
      throw DatasetError.classMismatch(path: test, expected: classNames, found: testNames)
    }
    let trainFiles = try files(in: train, classNames: classNames)
    let testFiles = try files(in: test, classNames: classNames)
    let first = try ImageFile.read(trainFiles[0].path)
    return DatasetPair(
      train: try decode(trainFiles, like: first, classNames: classNames),
      test: try decode(testFiles, like: first, classNames: classNames))
  }

  private struct File {
    let path: String
    let label: Int
  }

  /// The names of the folders in `path`, sorted by their bytes.
  private static func classes(in path: String) throws -> [String] {
    let expected = "a folder per class, each with PNG, JPEG or PPM images"
    let names = try? FileManager.default.contentsOfDirectory(atPath: path)
    let folders = (names ?? []).filter { name in
      var isFolder: ObjCBool = false
      return !name.hasPrefix(".")
        && FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
        && isFolder.boolValue
    }
    guard !folders.isEmpty else { throw DatasetError.noClasses(path: path, expected: expected) }
    return sorted(folders)
  }

  /// The pictures of all classes in `path`, class by class, sorted by name.
  private static func files(in path: String, classNames: [String]) throws -> [File] {
    var files: [File] = []
    for (label, name) in classNames.enumerated() {
      let folder = "\(path)/\(name)"
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
      let pictures = sorted(
        (names ?? []).filter { name in
          let suffix = PathText.fileExtension(of: name).lowercased()
          return !name.hasPrefix(".") && extensions.contains(suffix)
        })
      guard !pictures.isEmpty else { throw DatasetError.emptyClass(path: folder) }
      files += pictures.map { File(path: "\(folder)/\($0)", label: label) }
    }
    return files
  }

  private static func sorted(_ names: [String]) -> [String] {
    names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Decodes `files` on all cores; each must be as large as `first`.
  private static func decode(
    _ files: [File], like first: RGBImage, classNames: [String]
  ) throws -> LabeledImages {
    let size = first.pixels.count
    var pixels = [UInt8](repeating: 0, count: files.count * size)
    try pixels.withUnsafeMutableBufferPointer { pixels in
      let target = pixels
      try ParallelLoop.forEach(files.count) { index in
        let image = try ImageFile.read(files[index].path)
        guard image.width == first.width && image.height == first.height else {
          throw DatasetError.imageSize(
            path: files[index].path, expected: "\(first.width)x\(first.height)",
            found: "\(image.width)x\(image.height)")
        }
        let slot = UnsafeMutableBufferPointer(rebasing: target[index * size..<(index + 1) * size])
        _ = slot.update(from: image.pixels)
      }
    }
    return LabeledImages(
      pixels: pixels, labels: files.map(\.label), height: first.height, width: first.width,
      classNames: classNames)
  }
}
