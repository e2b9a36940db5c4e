import Foundation

/// Arrays in files of numpy's `.npy` format, of which numbers and C order are read.
///
/// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
public enum NumpyFile {
  /// Reads the array in file `path`; throws `NumpyFileError` where there is none.
  public static func read(_ path: String) throws -> NumpyArray {
    let bytes: ByteView
    do {
      bytes = try ByteView(mapping: path)
    } catch ArchiveError.unreadable(_, let reason) {
      throw NumpyFileError(path: path, reason: "cannot be read: \(reason)")
    }
    do throws(Reason) {
      return try parse(bytes)
    } catch {
      throw NumpyFileError(path: path, reason: error.text)
    }
  }

  /// Bytes of the largest file that is read (4 GiB), and of the longest header.
  private static let largestFile = 1 << 32, longestHeader = 1 << 16

  private struct Reason: Error { let text: String }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private static func parse(_ bytes: ByteView) throws(Reason) -> NumpyArray {
    guard bytes.count >= 12, bytes.slice(0, magic.count)?.array == magic else {
      throw Reason(text: "expected a file of numpy's npy format, which begins with \\x93NUMPY")
    }
    guard bytes.count <= largestFile else {
      throw Reason(text: "\(bytes.count) bytes, at most \(largestFile) are read")
    }
    let isShort = bytes[6] == 1
    let start = isShort ? 10 : 12
    let length =
      isShort
      ? bytes.integer(UInt16.self, at: 8).map(Int.init)
      : bytes.integer(UInt32.self, at: 8).map(Int.init)
    guard let length, length <= longestHeader, let head = bytes.slice(start, length) else {
      throw Reason(text: "the header is cut off or longer than \(longestHeader) bytes")
    }
    let header = head.withBytes { String(decoding: $0, as: UTF8.self) }
    guard let code = text(after: "'descr'", in: header),
      code.first == "<" || code.first == "|",
      let type = NumpyType(code: String(code.dropFirst()))
    else {
      throw Reason(
        text: "expected little-endian numbers, found the header \(ArchiveError.quoted(header))")
    }
    guard header.contains("'fortran_order': False"), let shape = shape(in: header) else {
      throw Reason(
        text: "expected an array in C order, found the header \(ArchiveError.quoted(header))")
    }
    let size = TensorGeometry.product(shape + [type.size])
    guard shape.count <= TensorGeometry.maximumRank, let size,
      let elements = bytes.slice(start + length, size), start + length + size == bytes.count
    else {
      throw Reason(
        text: "\(bytes.count - start - length) bytes of numbers do not make an array "
          + ArchiveError.quoted("\(shape)") + " of " + type.name)
    }
    return NumpyArray(type: type, shape: shape, bytes: elements.array)
  }

  /// The quoted text after `key` and a colon.
  private static func text(after key: String, in header: String) -> String? {
    guard let found = header.range(of: key) else { return nil }
    let parts = header[found.upperBound...].split(separator: "'", omittingEmptySubsequences: false)
    return parts.count > 1 && parts[0].allSatisfy { $0 == ":" || $0 == " " }
      ? String(parts[1]) : nil
  }

  private static func shape(in header: String) -> [Int]? {
    guard let key = header.range(of: "'shape': ("),
      let end = header[key.upperBound...].firstIndex(of: ")")
    else { return nil }
    let sizes = header[key.upperBound..<end].split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    let numbers = sizes.compactMap { Int($0) }
    return numbers.count == sizes.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
  }
}

/// A file that is not an array in numpy's format.
public struct NumpyFileError: Error, CustomStringConvertible, Sendable {
  /// The file.
  public let path: String
  /// What is wrong with it, and what would be right.
  public let reason: String

  /// An error about the file `path`.
  package init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// One line: which file, what is wrong.
  public var description: String { ArchiveError.quoted("\(path): \(reason)", limit: 800) }
}
