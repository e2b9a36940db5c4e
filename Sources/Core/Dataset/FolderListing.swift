import Foundation

/// The names in a folder, by their bytes.
enum FolderListing {
  /// What tells a folder from all others, whatever path leads to it.
  struct Identity: Hashable {
    let device: UInt
    let file: UInt
  }

  /// What a name leads to, links followed.
  enum Kind {
    case folder(Identity)
    case file
    /// A pipe, a device, a socket.
    case other
    /// A link to nothing, or what may not be looked at.
    case unreachable
  }

  /// The names in `folder` but "." and "..", sorted by their bytes.
  ///
  /// Throws `DatasetError` where it is no folder that can be read.
  static func names(in folder: BytePath) throws(DatasetError) -> [BytePath] {
    guard let stream = folder.withCString({ opendir($0) }) else {
      throw .unreadable(path: "\(folder)", reason: String(cString: strerror(errno)))
    }
    defer { closedir(stream) }
    var names: [BytePath] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8) && name != Array("..".utf8) { names.append(BytePath(bytes: name)) }
    }
    return names.sorted()
  }

  /// Whether there is a folder at `path`.
  static func isFolder(_ path: String) -> Bool {
    if case .folder = kind(of: BytePath(path)) { true } else { false }
  }

  /// What is at `path`.
  static func kind(of path: BytePath) -> Kind {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { return .unreachable }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      return .folder(Identity(device: UInt(status.st_dev), file: UInt(status.st_ino)))
    case S_IFREG: return .file
    default: return .other
    }
  }
}
