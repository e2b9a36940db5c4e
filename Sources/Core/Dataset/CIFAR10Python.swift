import Foundation

/// CIFAR-10 as its authors' Python pickles (`cifar-10-batches-py`), read without running them.
public enum CIFAR10Python {
  /// The classes, by label.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]
  private static let side = 32
  private static let imageSize = 3 * side * side

  /// Whether `folder` holds at least the first training file and the test file.
  public static func isPresent(in folder: String) -> Bool {
    ["data_batch_1", "test_batch"].allSatisfy {
      FileManager.default.fileExists(atPath: path($0, in: folder))
    }
  }

  static let trainFiles = (1...5).map { "data_batch_\($0)" }

  /// The training images of those of `data_batch_1`, … `data_batch_5` that are there, and the test
  /// images of `test_batch`: [count, 32, 32, 3].
  /// - Throws: `ArchiveError` naming the file, what was expected and what was found.
  public static func load(folder: String) throws -> (train: LabeledImages, test: LabeledImages) {
    var pixels: [UInt8] = []
    var labels: [Int] = []
    let files = trainFiles.map { path($0, in: folder) }
    let present = files.filter { FileManager.default.fileExists(atPath: $0) }
    for file in present.isEmpty ? [files[0]] : present { try append(file, to: &pixels, &labels) }
    let train = images(pixels, labels)
    (pixels, labels) = ([], [])
    try append(path("test_batch", in: folder), to: &pixels, &labels)
    return (train, images(pixels, labels))
  }

  private static func path(_ name: String, in folder: String) -> String {
    PathText.join(folder, name)
  }

  private static func images(_ pixels: [UInt8], _ labels: [Int]) -> LabeledImages {
    LabeledImages(
      pixels: pixels, labels: labels, height: side, width: side, classNames: classNames)
  }

  /// Adds the images of one file, a dict of `data` (uint8 [n, 3072], planes of rows) and `labels`.
  private static func append(
    _ file: String, to pixels: inout [UInt8], _ labels: inout [Int]
  ) throws {
    var reader = PickleReader(try ByteView(mapping: file), file: file, part: "pickle")
    let fields = ArchiveFields(value: try reader.readValue(), file: file, place: "")
    let data = try fields.value("data")
    guard case .array(let array) = data, array.type.kind == .unsigned, array.type.size == 1,
      array.shape.count == 2, array.shape[1] == imageSize
    else {
      var found = data.typeName
      if case .array(let array) = data { found += " of \(array.type.name), shape \(array.shape)" }
      throw ArchiveError.unexpected(
        file: file, place: "data", expected: "uint8 images of shape [n, \(imageSize)]",
        found: found)
    }
    let classes = try fields.integers("labels").map { Int($0) }
    guard classes.count == array.shape[0] else {
      throw ArchiveError.unexpected(
        file: file, place: "labels", expected: "\(array.shape[0]), one an image",
        found: "\(classes.count)")
    }
    if let index = classes.firstIndex(where: { !classNames.indices.contains($0) }) {
      throw ArchiveError.unexpected(
        file: file, place: "label of image \(index)", expected: "0 to \(classNames.count - 1)",
        found: "\(classes[index])")
    }
    labels += classes
    appendInterleaved(array.bytes, to: &pixels)
  }

  /// Adds images of three planes [3, 32, 32] as pixels [32, 32, 3].
  private static func appendInterleaved(_ planes: [UInt8], to pixels: inout [UInt8]) {
    let area = side * side
    let start = pixels.count
    pixels.append(contentsOf: repeatElement(0, count: planes.count))
    pixels.withUnsafeMutableBufferPointer { output in
      planes.withUnsafeBufferPointer { input in
        for image in Swift.stride(from: 0, to: planes.count, by: imageSize) {
          for position in 0..<area {
            for channel in 0..<3 {
              let value = input[image + channel * area + position]
              output[start + image + position * 3 + channel] = value
            }
          }
        }
      }
    }
  }
}
