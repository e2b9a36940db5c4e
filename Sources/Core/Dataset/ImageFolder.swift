import Foundation

/// A dataset of pictures of one size: train/<class>/… and test/<class>/….
///
/// Read in the order of torchvision's ImageFolder: classes by name, in each all folders below, by
/// bytes, so that names need not be UTF-8.
public enum ImageFolder {
  /// Whether `folder` has the folder train/.
  static func isPresent(in folder: String) -> Bool {
    if case .folder = FolderListing.kind(of: BytePath("\(folder)/train")) { true } else { false }
  }

  /// Reads both halves on at most `threads` threads; labels are the places of the class names in
  /// their sorted order.
  ///
  /// Files that are left out are told of in `warnings`. Throws `DatasetError`, or `ImageError` for
  /// a file that cannot be decoded.
  public static func load(folder: String, threads: Int? = nil) throws -> DatasetPair {
    let train = try ImageFolderHalf(BytePath("\(folder)/train"))
    let test = try ImageFolderHalf(BytePath("\(folder)/test"))
    try requireSameClasses(train, test)
    let decoder = try ImageFolderDecoder(train.files + test.files, folder: folder, threads: threads)
    let pixels = try decoder.decode(train.files.indices)
    let testPixels = try decoder.decode(train.files.count..<train.files.count + test.files.count)
    var leftOut = train.leftOut
    leftOut.add(test.leftOut)
    let names = train.classes.map(\.description)
    return DatasetPair(
      train: decoder.images(pixels, labels: train.labels, classNames: names),
      test: decoder.images(testPixels, labels: test.labels, classNames: names),
      warnings: [
        leftOut.warning("left out"),
        decoder.damaged.warning("with damaged data, read as far as that goes"),
      ].compactMap { $0 })
  }

  private static func requireSameClasses(_ train: ImageFolderHalf, _ test: ImageFolderHalf) throws {
    guard train.classes != test.classes else { return }
    for name in test.classes where !train.classes.contains(name) {
      // Equal as Swift's strings, though not in bytes: that cannot be seen when they are printed.
      if let twin = train.classes.first(where: { $0.description == name.description }) {
        throw DatasetError.spelling(path: "\(test.path)", expected: twin, found: name)
      }
    }
    throw DatasetError.classMismatch(
      path: "\(test.path)", expected: train.classes.map(\.description),
      found: test.classes.map(\.description))
  }
}

/// The training or the test half of a folder of pictures: what is there, nothing read yet.
struct ImageFolderHalf {
  let path: BytePath
  /// The names of the class folders, sorted.
  private(set) var classes: [BytePath] = []
  /// The pictures of all classes, class by class.
  private(set) var files: [BytePath] = []
  /// The place of each picture's class.
  private(set) var labels: [Int] = []
  private(set) var leftOut = LeftOut()

  init(_ path: BytePath) throws(DatasetError) {
    self.path = path
    let expected = "a folder per class, each with \(PictureFormat.list) images"
    guard case .folder = FolderListing.kind(of: path) else {
      throw .noClasses(path: "\(path)", expected: expected)
    }
    for name in try FolderListing.names(in: path) {
      try add(name, at: path.appending(name))
    }
    guard !classes.isEmpty else { throw .noClasses(path: "\(path)", expected: expected) }
  }

  private mutating func add(_ name: BytePath, at place: BytePath) throws(DatasetError) {
    guard case .folder = FolderListing.kind(of: place) else {
      if !name.isHidden { leftOut.add(place, "in no class's folder") }
      return
    }
    guard !name.isHidden else { return leftOut.add(place, "a hidden folder") }
    let walk = try PictureWalk(place)
    guard !walk.files.isEmpty else { throw .emptyClass(path: "\(place)") }
    labels += repeatElement(classes.count, count: walk.files.count)
    classes.append(name)
    files += walk.files
    leftOut.add(walk.leftOut)
  }
}
