import Foundation

/// A folder that another run works in.
public struct FolderInUse: Error, Equatable, Sendable, CustomStringConvertible {
  /// The folder.
  public let folder: String
  /// What the other run's lock says of it, such as `process 4711 on node0`; may be empty.
  public let holder: String

  /// One line: the folder, who has it, what to do.
  public var description: String {
    let holder = holder.isEmpty ? "" : " (\(holder.quoted()))"
    return
      "\(folder.quoted()): another run works in this folder\(holder); wait for its end, "
      + "or give this one another --record"
  }
}

/// Keeps a second run out of a run's folder; owns the open lock file `<folder>/.lock`.
///
/// The kernel holds the lock for the open file, not for the name: the end of the process, however
/// it comes, lets go of it, and a file left behind is no lock. File systems without locks are used
/// without one.
public final class FolderLock {
  private var path: String
  private var descriptor: Int32

  /// Makes `folder` where it is missing and takes its lock.
  /// - Throws: `FolderInUse` where another process holds it; `FileError`; `ForeignFile` where a link
  ///   stands in place of the lock file.
  public init(_ folder: String) throws {
    try RunFolder.create(folder)
    path = "\(folder)/.lock"
    descriptor = -1
    while true {
      descriptor = try RegularFile.openOwn(path, O_RDWR)
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
        let holder = Self.text(of: descriptor)
        close(descriptor)
        descriptor = -1
        throw FolderInUse(folder: folder, holder: holder)
      }
      // Its former holder may have removed the file between open and flock.
      if Self.isSameFile(descriptor, path) { break }
      close(descriptor)
      descriptor = -1
    }
    let text = "process \(getpid()) on \(ProcessInfo.processInfo.hostName)"
    ftruncate(descriptor, 0)
    _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
  }

  deinit { release() }

  /// Lets go of the folder, which may stand at `newPlace` by now, and removes the lock file.
  public func release(in newPlace: String? = nil) {
    if let newPlace { path = "\(newPlace)/.lock" }
    guard descriptor >= 0 else { return }
    if Self.isSameFile(descriptor, path) { unlink(path) }
    close(descriptor)
    descriptor = -1
  }

  private static func isSameFile(_ descriptor: Int32, _ path: String) -> Bool {
    var (opened, named) = (stat(), stat())
    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0
      && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }

  private static func text(of descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}
