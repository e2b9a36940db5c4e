import Foundation

/// Why a file could not be written, with the system's own text.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried, such as `create` or `rename`.
  public let operation: String
  /// The file or folder it was tried on.
  public let path: String
  /// The `errno` of the failure.
  public let code: Int32

  /// A failure of `operation` on `path`.
  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// One line: the operation, the path and the system's text.
  public var description: String {
    "cannot \(operation) \(path.quoted()): \(String(cString: strerror(code)))"
  }
}

/// Writes whole files so that a kill at any instant leaves the old file or the new one.
public enum AtomicFile {
  /// Calls `body` with a temporary file beside `path`, then puts that file in its place.
  ///
  /// The steps are create, write, fsync, rename, fsync of the folder. Where any of them or `body`
  /// throws, the old file stays as it was and the temporary file is removed.
  /// - Throws: `FileError`, or what `body` throws.
  public static func write(to path: String, _ body: (FileWriter) throws -> Void) throws {
    let folder = PathText.folder(of: path)
    let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let temporary = PathText.join(folder, ".\(PathText.name(of: path)).\(random).tmp")
    do {
      let writer = try FileWriter(creating: temporary, for: path)
      try body(writer)
      try writer.finish()
      guard rename(temporary, path) == 0 else {
        throw FileError(operation: "rename the finished file to", path: path, code: errno)
      }
    } catch {
      unlink(temporary)
      throw error
    }
    try synchronizeFolder(folder)
  }

  /// Writes `text` as the whole content of `path`.
  public static func write(_ text: String, to path: String) throws {
    try write(to: path) { try $0.write(text) }
  }

  /// Makes a rename in `folder` last through a power failure.
  ///
  /// File systems that cannot synchronise folders say EINVAL; the rename stands nonetheless.
  private static func synchronizeFolder(_ folder: String) throws {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
      throw FileError(operation: "synchronise the folder", path: folder, code: errno)
    }
  }
}

/// A file being written; owns its descriptor and a buffer of 1 MiB.
public final class FileWriter {
  private let path: String
  private var descriptor: Int32
  private var pending: [UInt8] = []
  private static let capacity = 1 << 20
  /// The number of bytes written so far.
  public private(set) var offset = 0

  /// Creates `temporary`, which must not exist; messages name `path`.
  init(creating temporary: String, for path: String) throws {
    self.path = path
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds `bytes` at the end.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    offset += bytes.count
    if bytes.count >= Self.capacity {
      try flush()
      try emit(bytes)
    } else {
      pending.append(contentsOf: bytes)
      if pending.count >= Self.capacity { try flush() }
    }
  }

  /// Adds `bytes` at the end.
  public func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  /// Adds `text` as UTF-8 at the end.
  public func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Writes what is buffered, synchronises and closes the file.
  func finish() throws {
    try flush()
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw FileError(operation: "synchronise", path: path, code: errno)
    }
    // On network file systems a full disk may show only now.
    let status = close(descriptor)
    let code = errno
    descriptor = -1
    guard status == 0 else { throw FileError(operation: "close", path: path, code: code) }
  }

  private func flush() throws {
    try pending.withUnsafeBytes { try emit($0) }
    pending.removeAll(keepingCapacity: true)
  }

  private func emit(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while let base = rest.baseAddress, rest.count > 0 {
      // Linux writes at most 0x7ffff000 bytes a call, so a short count is no error.
      let count = systemWrite(descriptor, base, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(operation: "write", path: path, code: errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
  }
}

/// The system's `write`, which methods of that name would hide.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(file, bytes, count)
}
