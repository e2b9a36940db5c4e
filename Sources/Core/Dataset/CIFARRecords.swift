import Foundation

/// The binary version of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3072 pixel
/// bytes, planes red, green, blue.
struct CIFARRecords {
  /// Rows and columns of an image.
  static let side = 32
  static let imageSize = 3 * side * side
  /// More than any genuine file (153,700,000 bytes) by far, yet no danger to the memory.
  private static let sizeLimit = 1 << 30

  /// Names of the classes, by label.
  let classNames: [String]
  /// The bytes before the pixels, of which the last one is the label.
  let labelBytes: Int

  private var recordSize: Int { labelBytes + Self.imageSize }

  /// The images of `paths`, one file after the other.
  ///
  /// Throws `DatasetError` where a file cannot be read, is not made of whole records or has a wrong
  /// label.
  func read(_ paths: [String]) throws -> LabeledImages {
    var pixels: [UInt8] = []
    var labels: [Int] = []
    for path in paths {
      let bytes = try contents(of: path)
      let count = bytes.count / recordSize
      // At once for all files, which have the same size as a rule: to grow by each copies them all.
      if pixels.isEmpty { pixels.reserveCapacity(paths.count * count * Self.imageSize) }
      for record in 0..<count {
        let start = record * recordSize + labelBytes
        let label = Int(bytes[start - 1])
        guard label < classNames.count else {
          throw DatasetError.labelOutOfRange(
            path: path, record: record, label: label, classCount: classNames.count)
        }
        labels.append(label)
        Self.appendInterleaved(bytes, from: start, to: &pixels)
      }
    }
    return LabeledImages(
      pixels: pixels, labels: labels, height: Self.side, width: Self.side, classNames: classNames)
  }

  private func contents(of path: String) throws -> [UInt8] {
    do {
      let bytes = try FileBytes.read(path, limit: Self.sizeLimit)
      guard !bytes.isEmpty, bytes.count % recordSize == 0 else {
        throw DatasetError.wrongSize(path: path, bytes: bytes.count, record: recordSize)
      }
      return bytes
    } catch let failure as FileBytes.Failure {
      throw DatasetError.unreadable(path: path, reason: failure.reason)
    }
  }

  /// Appends the image whose planes begin at `start`, as pixels of three values.
  static func appendInterleaved(_ bytes: [UInt8], from start: Int, to pixels: inout [UInt8]) {
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
