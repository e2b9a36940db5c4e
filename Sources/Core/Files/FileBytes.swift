import Foundation

/// Reads whole regular files, up to a limit, without ever trusting what the path leads to.
enum FileBytes {
  /// Why a file could not be read, in the operating system's words.
  struct Failure: Error {
    let reason: String
  }

  /// The bytes of the regular file at `path`, which may hold at most `limit` bytes.
  static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    let (descriptor, size): (Int32, Int)
    do {
      (descriptor, size) = try RegularFile.open(path)
    } catch {
      throw Failure(reason: error.reason)
    }
    defer { close(descriptor) }
    guard size <= limit else {
      throw Failure(reason: "expected at most \(limit) bytes, found \(size)")
    }
    return try readAll(descriptor, size: size)
  }

  private static func readAll(_ descriptor: Int32, size: Int) throws(Failure) -> [UInt8] {
    var errorNumber: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size, let start = buffer.baseAddress {
        let count = Foundation.read(descriptor, start + filled, size - filled)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { errorNumber = errno }
        if count <= 0 { break }
        filled += count
      }
    }
    guard errorNumber == 0 else { throw Failure(reason: String(cString: strerror(errorNumber))) }
    return bytes
  }
}
