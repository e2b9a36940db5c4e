import Foundation

/// The files of MNIST: bytes in one or three dimensions, whose sizes stand before them.
enum IDXFile {
  /// A file's content.
  struct Content {
    /// The sizes of its dimensions, the number of items first.
    let sizes: [Int]
    /// The values, the last dimension fastest.
    let values: ArraySlice<UInt8>
  }

  /// More than any genuine file (47,040,016 bytes) by far, yet no danger to the memory.
  private static let sizeLimit = 1 << 28

  /// Reads the file at `path`, packed by gzip where its name ends in `.gz`, of bytes in `dimensions`
  /// dimensions; throws `DatasetError`.
  static func read(_ path: String, dimensions: Int) throws(DatasetError) -> Content {
    let bytes: [UInt8]
    do {
      let read = try FileBytes.read(path, limit: sizeLimit)
      bytes = path.hasSuffix(".gz") ? try Gunzip.expand(read, limit: sizeLimit) : read
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    return try parse(bytes, dimensions: dimensions, path: path)
  }

  /// The content of `bytes`; `path` is for messages.
  static func parse(
    _ bytes: [UInt8], dimensions: Int, path: String
  ) throws(DatasetError) -> Content {
    let start = 4 + 4 * dimensions
    // 8 is the type of unsigned bytes.
    let magic = 0x800 + dimensions
    func number(_ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    func hexadecimal(_ value: Int) -> String { "0x" + String(value, radix: 16) }
    guard bytes.count >= start, number(0) == magic else {
      throw .unexpected(
        path: path, expected: "\(hexadecimal(magic)) and \(dimensions) sizes at its beginning",
        found: bytes.count < start ? "\(bytes.count) bytes" : hexadecimal(number(0)))
    }
    let sizes = (1...dimensions).map { number($0 * 4) }
    guard let count = TensorGeometry.product(sizes), bytes.count - start == count else {
      throw .unexpected(
        path: path, expected: "as many bytes as its sizes say, \(sizes)",
        found: "\(bytes.count - start) bytes")
    }
    return Content(sizes: sizes, values: bytes[start...])
  }
}
