import Foundation

extension DatasetKind {
  /// Pictures of the user's own.
  ///
  /// Nothing is known of them: their pixels are scaled with CIFAR-10's statistics, which every run
  /// says, and cropped and flipped as CIFAR-10's are.
  static let imageFolder = DatasetKind(
    name: "image_folder",
    summary: "pictures of your own (\(PictureFormat.list)) in train/<class>/ and test/<class>/, or "
      + "val/<class>/, of one size of \(LabeledImages.sides.lowerBound) to "
      + "\(LabeledImages.sides.upperBound) pixels a side unless --img_size is given",
    side: nil, classCount: nil, normalization: .cifar10, borrowsStatisticsOf: "CIFAR-10",
    augmentation: Augmentation(padding: 4, flips: true), counts: nil,
    advice: "give the folder that train/ and test/ are in",
    layouts: [
      DatasetLayout(isIn: { _ in true }) { folder, request in
        try ImageFolder.load(folder: folder, request)
      }
    ])
}

/// A dataset of pictures: train/<class>/… and test/<class>/…, or val/<class>/….
///
/// Read in the order of torchvision's ImageFolder: classes by name, in each all folders below, by
/// bytes, so that names need not be UTF-8.
public enum ImageFolder {
  /// Whether `folder` has the folder train/.
  static func isPresent(in folder: String) -> Bool { FolderListing.isFolder("\(folder)/train") }

  /// Reads both halves on at most `threads` threads; labels are the places of the class names in
  /// their sorted order.
  ///
  /// All pictures must be of one size, or are resized to `size`. Files that are left out are told of
  /// in `warnings`. Throws `DatasetError`, or `ImageError` for a file that cannot be decoded.
  public static func load(
    folder: String, size: ImageSize? = nil, threads: Int? = nil
  ) throws -> DatasetPair {
    try load(folder: folder, DatasetRequest(size: size, seed: 0, threads: threads))
  }

  static func load(folder: String, _ request: DatasetRequest) throws -> DatasetPair {
    let train = try ImageFolderHalf(BytePath("\(folder)/train"))
    let isValidated =
      !FolderListing.isFolder("\(folder)/test") && FolderListing.isFolder("\(folder)/val")
    let test = try ImageFolderHalf(BytePath("\(folder)/\(isValidated ? "val" : "test")"))
    try requireSameClasses(train, test)
    return try DatasetPair(
      train: train.pictures, test: test.pictures, in: folder,
      classNames: train.classes.map(\.description), request, tellsResizing: true)
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
  private(set) var pictures = PictureList()

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
      if !name.isHidden { pictures.leftOut.add(place, "in no class's folder") }
      return
    }
    guard !name.isHidden else { return pictures.leftOut.add(place, "a hidden folder") }
    guard try pictures.addAll(below: place, label: classes.count) else {
      throw .emptyClass(path: "\(place)")
    }
    classes.append(name)
  }
}
