import Foundation

/// The bytes of files whose names need not be UTF-8: regular ones, opened without waiting.
enum PictureBytes {
  /// All bytes of the file at `path`, which may hold at most `limit`; throws `ImageError`.
  static func read(_ path: BytePath, limit: Int) throws(ImageError) -> [UInt8] {
    func failure(_ reason: String) -> ImageError { .unreadable(path: "\(path)", reason: reason) }
    // Non-blocking, so that opening a named pipe nobody writes to does not hang.
    let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw failure(isFolder ? "it is a folder, not a regular file" : "it is not a regular file")
    }
    let size = Int(status.st_size)
    guard size <= limit else { throw failure("expected at most \(limit) bytes, found \(size)") }
    let (bytes, code) = fill(descriptor, size: size)
    guard code == 0 else { throw failure(String(cString: strerror(code))) }
    return bytes
  }

  /// The first `count` bytes of the file at `path`, or fewer; none where it cannot be read.
  static func start(of path: BytePath, count: Int) -> [UInt8] {
    let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    return fill(descriptor, size: count).bytes
  }

  /// Up to `size` bytes, and the system's error if there was one.
  private static func fill(_ descriptor: Int32, size: Int) -> (bytes: [UInt8], code: Int32) {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size, let start = buffer.baseAddress {
        let count = Foundation.read(descriptor, start + filled, size - filled)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { code = errno }
        if count <= 0 { break }
        filled += count
      }
    }
    return (bytes, code)
  }
}
