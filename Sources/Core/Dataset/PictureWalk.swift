/// The pictures below a folder, found as torchvision's ImageFolder finds those of a class.
///
/// All folders below are walked through, links followed; they come in the order of their paths, the
/// files of each in that of their names, by bytes. Hidden names are left out.
struct PictureWalk {
  /// More is a mistake or links that multiply.
  private static let maximumFolders = 1 << 16

  /// What is read, in its order.
  private(set) var files: [BytePath] = []
  /// What is not.
  private(set) var leftOut = LeftOut()
  private var folders: [Folder] = []

  private struct Folder {
    let path: BytePath
    /// The folders above and itself, by which a link back to one of them is known.
    let identities: Set<FolderListing.Identity>
  }

  /// Walks through `root`; throws `DatasetError`.
  init(_ root: BytePath) throws(DatasetError) {
    guard case .folder(let identity) = FolderListing.kind(of: root) else { return }
    var above: Set = [identity]
    if case .folder(let parent) = FolderListing.kind(of: root.appending(BytePath(".."))) {
      above.insert(parent)
    }
    folders = [Folder(path: root, identities: above)]
    var contents: [(path: BytePath, pictures: [BytePath])] = []
    while let folder = folders.popLast() {
      contents.append((folder.path, try look(into: folder)))
      guard contents.count + folders.count <= Self.maximumFolders else {
        throw .unreadable(path: "\(root)", reason: "more than \(Self.maximumFolders) folders below")
      }
    }
    contents.sort { $0.path < $1.path }
    files = contents.flatMap(\.pictures)
  }

  /// The pictures in `folder` itself; its folders are put aside for later.
  private mutating func look(into folder: Folder) throws(DatasetError) -> [BytePath] {
    var pictures: [BytePath] = []
    for name in try FolderListing.names(in: folder.path) {
      let path = folder.path.appending(name)
      switch FolderListing.kind(of: path) {
      case .folder where name.isHidden: leftOut.add(path, "a hidden folder")
      case .folder(let identity) where folder.identities.contains(identity):
        leftOut.add(path, "a link to a folder above it")
      case .folder(let identity):
        folders.append(Folder(path: path, identities: folder.identities.union([identity])))
      case .other: leftOut.add(path, "no file")
      case .file, .unreachable:
        if name.isHidden {
          if name.isCalledPicture { leftOut.add(path, "hidden") }
        } else if Self.isPicture(name, at: path) {
          pictures.append(path)
        } else {
          leftOut.add(path, "no picture")
        }
      }
    }
    return pictures
  }

  /// By the end of its name, or by how it begins where its name has no end.
  private static func isPicture(_ name: BytePath, at path: BytePath) -> Bool {
    guard name.suffix == nil else { return name.isCalledPicture }
    return PictureFormat(PictureBytes.start(of: path, count: PictureFormat.signatureSize)) != nil
  }
}

extension BytePath {
  /// Whether the name ends as a picture's does.
  var isCalledPicture: Bool { suffix.map(PictureFormat.suffixes.contains) ?? false }
}
