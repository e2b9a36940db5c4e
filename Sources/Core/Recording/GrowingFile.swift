import Foundation

/// A file that grows while a run goes on; it owns the descriptor.
final class GrowingFile: Sendable {
  /// Where it is.
  let path: String
  private let descriptor: Int32

  /// The file at `path`, opened with `flags` beside those of appending; throws `FileError`.
  init(_ path: String, _ flags: Int32 = 0) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0o666)
    guard descriptor >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
  }

  deinit { close(descriptor) }

  /// Adds `bytes` at the end; throws `FileError`.
  func append(_ bytes: [UInt8]) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw FileError(operation: "write", path: path, code: errno)
      }
    }
  }
}
