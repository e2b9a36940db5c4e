import Foundation

/// Opens regular files and nothing else, at once.
///
/// A named pipe would hold its reader for ever, and a link in a folder that came from elsewhere
/// would lead a writer to a file that is not the run's own.
public enum RegularFile {
  /// Why a file is not read, in the operating system's words where it has some.
  struct Failure: Error {
    let reason: String
  }

  /// The descriptor and the size of the file at `path`, opened to be read.
  static func open(_ path: String) throws(Failure) -> (descriptor: Int32, size: Int) {
    // Non-blocking, so that a pipe nobody writes to is seen for what it is.
    let descriptor = systemOpen(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Failure(reason: systemReason(errno)) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = systemReason(errno)
      close(descriptor)
      throw Failure(reason: reason)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Failure(reason: "it is \(kind(status)), not a regular file")
    }
    return (descriptor, Int(status.st_size))
  }

  /// The descriptor of the file at `path`, opened with `flags` and `O_CREAT` to be written.
  ///
  /// A link is not followed, and a file that has other names too is left alone: writing to it would
  /// change a file outside the folder.
  /// - Throws: `FileError` or `ForeignFile`.
  public static func openOwn(_ path: String, _ flags: Int32) throws -> Int32 {
    let descriptor = systemOpen(
      path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode: 0o666)
    guard descriptor >= 0 else {
      if errno == ELOOP { throw ForeignFile(path: path, found: "a symbolic link") }
      throw FileError(operation: "write", path: path, code: errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      defer { close(descriptor) }
      throw FileError(operation: "write", path: path, code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw ForeignFile(path: path, found: kind(status))
    }
    // No name at all: another process has removed it since.
    guard status.st_nlink <= 1 else {
      close(descriptor)
      throw ForeignFile(path: path, found: "a file of \(status.st_nlink) names (hard links)")
    }
    return descriptor
  }

  /// Whether anything stands at `path`, also a link that leads nowhere.
  static func isTaken(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private static func kind(_ status: stat) -> String {
    switch status.st_mode & S_IFMT {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a named pipe"
    case S_IFCHR, S_IFBLK: "a device"
    case S_IFSOCK: "a socket"
    default: "a special file"
    }
  }

  private static func systemReason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// Something in the place of a file that the program writes, which is not the program's own.
public struct ForeignFile: Error, Equatable, Sendable, CustomStringConvertible {
  /// The place.
  public let path: String
  /// What stands there.
  public let found: String

  /// One line: the place, what was expected and found, what to do.
  public var description: String {
    "\(path.quoted()): expected a file of this run alone, found \(found), "
      + "which may lead out of the folder; remove it"
  }
}

/// The system's `open`, which methods of that name would hide.
private func systemOpen(_ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
  open(path, flags, mode)
}
