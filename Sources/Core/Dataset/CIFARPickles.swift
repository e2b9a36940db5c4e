import Foundation

/// The Python version of CIFAR-10 and CIFAR-100: pickles, read without running them.
struct CIFARPickles {
  /// Names of the classes, by label.
  let classNames: [String]
  /// The key of the labels.
  let labelKey: String

  /// The images of `paths`, one file after the other: [count, 32, 32, 3].
  /// - Throws: `ArchiveError` naming the file, what was expected and what was found.
  func read(_ paths: [String]) throws -> LabeledImages {
    var pixels: [UInt8] = []
    var labels: [Int] = []
    for path in paths { try append(path, to: &pixels, &labels) }
    return LabeledImages(
      pixels: pixels, labels: labels, height: CIFARRecords.side, width: CIFARRecords.side,
      classNames: classNames)
  }

  /// Adds the images of one file, a dict of `data` (uint8 [n, 3072], planes of rows) and labels.
  private func append(_ file: String, to pixels: inout [UInt8], _ labels: inout [Int]) throws {
    var reader = PickleReader(try ByteView(mapping: file), file: file, part: "pickle")
    let fields = ArchiveFields(value: try reader.readValue(), file: file, place: "")
    let data = try fields.value("data")
    guard case .array(let array) = data, array.type.kind == .unsigned, array.type.size == 1,
      array.shape.count == 2, array.shape[1] == CIFARRecords.imageSize
    else {
      var found = data.typeName
      if case .array(let array) = data { found += " of \(array.type.name), shape \(array.shape)" }
      throw ArchiveError.unexpected(
        file: file, place: "data",
        expected: "uint8 images of shape [n, \(CIFARRecords.imageSize)]", found: found)
    }
    labels += try self.labels(of: array.shape[0], in: fields)
    let bytes = array.bytes
    pixels.reserveCapacity(pixels.count + bytes.count)
    for image in stride(from: 0, to: bytes.count, by: CIFARRecords.imageSize) {
      CIFARRecords.appendInterleaved(bytes, from: image, to: &pixels)
    }
  }

  private func labels(of count: Int, in fields: ArchiveFields) throws -> [Int] {
    let labels = try fields.integers(labelKey).map { Int($0) }
    guard labels.count == count else {
      throw ArchiveError.unexpected(
        file: fields.file, place: labelKey, expected: "\(count), one an image",
        found: "\(labels.count)")
    }
    if let index = labels.firstIndex(where: { !classNames.indices.contains($0) }) {
      throw ArchiveError.unexpected(
        file: fields.file, place: "label of image \(index)",
        expected: "0 to \(classNames.count - 1)", found: "\(labels[index])")
    }
    return labels
  }
}
