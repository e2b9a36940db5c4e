import Foundation

/// CIFAR-10's binary version: records of one label byte and 3072 pixel bytes, planes red, green,
/// blue.
public enum CIFAR10Binary {
  /// Names of the ten classes, by label.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]
  /// Rows and columns of an image.
  public static let side = 32
  /// Bytes of one image with its label.
  public static let recordSize = 1 + 3 * side * side

  static let testFile = "test_batch.bin"
  static let trainFiles = (1...5).map { "data_batch_\($0).bin" }
  /// More than any genuine file (30,730,000 bytes) by far, yet no danger to the memory.
  private static let sizeLimit = 1 << 30

  /// Whether `folder` holds any file of the binary version.
  static func isPresent(in folder: String) -> Bool {
    (trainFiles + [testFile]).contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
  }

  /// Reads those of data_batch_1.bin … data_batch_5.bin that are there, and test_batch.bin; warns
  /// of those that are not.
  ///
  /// Throws `DatasetError` where a file is missing, is not made of whole records or has a wrong
  /// label.
  public static func load(folder: String) throws -> DatasetPair {
    let present = trainFiles.map { "\(folder)/\($0)" }
      .filter { FileManager.default.fileExists(atPath: $0) }
    let train = try read(present.isEmpty ? ["\(folder)/\(trainFiles[0])"] : present)
    return DatasetPair(
      train: train, test: try read(["\(folder)/\(testFile)"]),
      warnings: missingFiles(trainFiles, in: folder, imagesFound: train.count))
  }

  /// A line about those of `files` that `folder` does not hold, if there are any.
  static func missingFiles(_ files: [String], in folder: String, imagesFound: Int) -> [String] {
    let missing = files.filter { !FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    guard !missing.isEmpty else { return [] }
    return [
      "\(folder): \(missing.joined(separator: ", ")) missing: "
        + "going on with the \(imagesFound) training images that are there"
    ]
  }

  /// The images of `paths`, one file after the other.
  static func read(_ paths: [String]) throws -> LabeledImages {
    var pixels: [UInt8] = []
    var labels: [Int] = []
    for path in paths {
      let bytes = try contents(of: path)
      let count = bytes.count / recordSize
      // At once for all files, which have the same size as a rule: to grow by each copies them all.
      if pixels.isEmpty { pixels.reserveCapacity(paths.count * count * (recordSize - 1)) }
      for record in 0..<count {
        let label = Int(bytes[record * recordSize])
        guard label < classNames.count else {
          throw DatasetError.labelOutOfRange(
            path: path, record: record, label: label, classCount: classNames.count)
        }
        labels.append(label)
        appendInterleaved(bytes, from: record * recordSize + 1, to: &pixels)
      }
    }
    return LabeledImages(
      pixels: pixels, labels: labels, height: side, width: side, classNames: classNames)
  }

  private static func contents(of path: String) throws -> [UInt8] {
    do {
      let bytes = try FileBytes.read(path, limit: sizeLimit)
      guard !bytes.isEmpty, bytes.count % recordSize == 0 else {
        throw DatasetError.wrongSize(path: path, bytes: bytes.count, record: recordSize)
      }
      return bytes
    } catch let failure as FileBytes.Failure {
      throw DatasetError.unreadable(path: path, reason: failure.reason)
    }
  }

  /// Appends the image whose planes begin at `start`, as pixels of three values.
  private static func appendInterleaved(
    _ bytes: [UInt8], from start: Int, to pixels: inout [UInt8]
  ) {
    let plane = side * side
    let image = [UInt8](unsafeUninitializedCapacity: 3 * plane) { image, count in
      for place in 0..<plane {
        for channel in 0..<3 {
          image[place * 3 + channel] = bytes[start + channel * plane + place]
        }
      }
      count = 3 * plane
    }
    pixels.append(contentsOf: image)
  }
}
