import Foundation

/// The pictures of the German traffic signs, as their archives or other programs lay them out.
///
/// The official archives have `Final_Training/Images/<class>/` and `Final_Test/Images/`,
/// BackdoorBench `Train/<class>/` and `Test/`, torchvision `Training/<class>/` and
/// `Final_Test/Images/`. Training images come class by class in the order of each class's table,
/// those of torchvision in the order of their names as there; test images in the order of theirs.
struct GTSRBFolder {
  /// The number of classes, which have the names 00000 to 00042.
  private static let classCount = 43
  private static let trainFolders = ["Final_Training/Images", "Training", "Train"]
  private static let testFolders = ["Final_Test/Images", "Test"]
  private static let tableName = "GT-final_test.csv"

  private let folder: String
  private let train: String?
  private let test: String?

  init(_ folder: String) {
    self.folder = folder
    func found(_ names: [String]) -> String? {
      names.map { PathText.join(folder, $0) }.first { FolderListing.isFolder($0) }
    }
    // Other datasets have such folders too, but not of these classes.
    func numbered(_ name: String) -> String? {
      let place = PathText.join(folder, name)
      return (0..<Self.classCount).contains { Self.hasFolder(of: $0, in: place) } ? place : nil
    }
    train = found(Self.trainFolders) ?? numbered("train")
    test = found(Self.testFolders) ?? numbered("test")
  }

  /// Whether it holds any half.
  var isPresent: Bool { train != nil || test != nil }

  /// Reads both halves; throws `DatasetError`, or `ImageError` for a picture.
  func load(_ request: DatasetRequest) throws -> DatasetPair {
    let (train, test) = (try trainPictures(), try testPictures())
    let absent = Self.classCount - Set(train.labels).count
    return try DatasetPair(
      train: train, test: test, in: folder, classNames: DatasetKind.gtsrb.classNames, request,
      notes: absent == 0
        ? [] : ["\(folder): no training images of \(absent) of the \(Self.classCount) classes"])
  }

  private func trainPictures() throws -> PictureList {
    guard let train else { throw missing(Self.trainFolders) }
    let pictures = try byClass(train, isSorted: PathText.name(of: train) == "Training")
    guard !pictures.files.isEmpty else { throw missing(Self.trainFolders) }
    return pictures
  }

  private func missing(_ folders: [String]) -> DatasetError {
    .noClasses(path: folder, expected: "pictures in " + folders.joined(separator: " or "))
  }

  /// The pictures of the folders in `path` that are called by a class's number, in its order.
  private func byClass(_ path: String, isSorted: Bool) throws(DatasetError) -> PictureList {
    var pictures = PictureList()
    var folders: [(label: Int, path: BytePath, name: BytePath)] = []
    for name in try FolderListing.names(in: BytePath(path)) where !name.isHidden {
      let place = BytePath(path).appending(name)
      guard case .folder = FolderListing.kind(of: place), let label = Int("\(name)") else {
        pictures.leftOut.add(place, "in no class's folder")
        continue
      }
      guard 0..<Self.classCount ~= label else {
        throw .unexpected(
          path: "\(place)", expected: "a class of 0 to \(Self.classCount - 1)", found: "\(label)")
      }
      folders.append((label, place, name))
    }
    for entry in folders.sorted(by: { ($0.label, $0.path) < ($1.label, $1.path) }) {
      let table = entry.path.appending(BytePath("GT-\(entry.name).csv"))
      try add(
        entry.path, label: entry.label, table: try GTSRBTable(ifPresent: table),
        isSorted: isSorted, to: &pictures)
    }
    return pictures
  }

  /// Adds one class's pictures: those of its table, or where there is none all by their names.
  private func add(
    _ place: BytePath, label: Int, table: GTSRBTable?, isSorted: Bool,
    to pictures: inout PictureList
  ) throws(DatasetError) {
    guard let table, !table.rows.isEmpty else {
      _ = try pictures.addAll(below: place, label: label)
      return
    }
    let rows = isSorted ? table.rows.sorted { $0.name < $1.name } : table.rows
    for row in rows { pictures.add(place.appending(row.name), label: row.label ?? label) }
    try pictures.leaveOut(in: place, but: Set(rows.map(\.name)), "not in the class's table")
  }

  private func testPictures() throws(DatasetError) -> PictureList {
    guard let test else { throw missing(Self.testFolders) }
    let places = [test, PathText.join(test, ".."), folder, PathText.join(folder, "..")]
    for place in places {
      let path = PathText.join(place, Self.tableName)
      guard let table = try GTSRBTable(ifPresent: BytePath(path)), table.hasClasses
      else { continue }
      var pictures = PictureList()
      for row in table.rows {
        guard let label = row.label else { continue }
        pictures.add(BytePath(test).appending(row.name), label: label)
      }
      try pictures.leaveOut(
        in: BytePath(test), but: Set(table.rows.map(\.name)), "not in \(Self.tableName)")
      return pictures
    }
    if (0..<Self.classCount).contains(where: { Self.hasFolder(of: $0, in: test) }) {
      let pictures = try byClass(test, isSorted: false)
      if !pictures.files.isEmpty { return pictures }
    }
    throw .unexpected(
      path: test,
      expected: "\(Self.tableName) with the classes of the pictures, there or above, which is in "
        + "the archive GTSRB_Final_Test_GT.zip",
      found: "pictures without classes")
  }

  private static func hasFolder(of label: Int, in path: String) -> Bool {
    ["\(label)", String(100_000 + label).dropFirst().description].contains {
      FolderListing.isFolder(PathText.join(path, $0))
    }
  }
}
