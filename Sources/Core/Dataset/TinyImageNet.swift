import Foundation

extension DatasetKind {
  /// Tiny-ImageNet, from its official archive or with the validation pictures moved as BackdoorBench
  /// does.
  static let tiny = DatasetKind(
    name: "tiny",
    summary: "Tiny-ImageNet: train/, val/ and wnids.txt of tiny-imagenet-200/, val/ with its "
      + "annotations or a folder per class",
    side: 64, classCount: 200,
    normalization: Normalization(
      mean: [0.4802, 0.4481, 0.3975], standardDeviation: [0.2302, 0.2265, 0.2262]),
    augmentation: Augmentation(padding: 4, flips: false),
    tuning: TuningDefaults(learningRate: 0.001, epochs: 15, alpha: 0.001, splitRatio: 0.05),
    counts: Counts(train: 100_000, test: 10_000),
    folders: ["tiny", "tiny-imagenet-200", "tiny/tiny-imagenet-200"],
    advice: "get tiny-imagenet-200.zip from http://cs231n.stanford.edu",
    layouts: [
      DatasetLayout(isIn: { TinyImageNet.isPresent(in: $0) }) { folder, request in
        try TinyImageNet(folder).load(request)
      }
    ])
}

/// Tiny-ImageNet's folder: `train/<wnid>/images/`, and `val/images/` with annotations or
/// `val/<wnid>/`.
///
/// A class is the place of its wnid among the sorted ones. Images come class by class, in each by
/// their names as text, in both forms alike.
struct TinyImageNet {
  private static let textLimit = 1 << 26
  private static let annotations = "val_annotations.txt"

  private let folder: String
  /// The wnids, sorted.
  private let classes: [String]
  private let labels: [String: Int]

  /// Whether `folder` has the folder train/, and val/ or the list of classes.
  static func isPresent(in folder: String) -> Bool {
    FolderListing.isFolder("\(folder)/train")
      && (DatasetLayout.holds(["wnids.txt"], folder) || FolderListing.isFolder("\(folder)/val"))
  }

  /// Reads the list of classes, or where there is none the names of train/'s folders.
  init(_ folder: String) throws {
    self.folder = folder
    let list = PathText.join(folder, "wnids.txt")
    let expected = "200 different wnids at most, one a line"
    if DatasetLayout.holds(["wnids.txt"], folder) {
      let lines = try Self.lines(list)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      classes = lines.filter { !$0.isEmpty }.sorted { BytePath($0) < BytePath($1) }
    } else {
      let train = BytePath(PathText.join(folder, "train"))
      classes = try FolderListing.names(in: train)
        .filter { !$0.isHidden && FolderListing.isFolder("\(train)/\($0)") }.map(\.description)
    }
    guard 1...200 ~= classes.count, Set(classes).count == classes.count,
      !classes.contains(where: { $0.contains("/") || $0.hasPrefix(".") })
    else {
      throw DatasetError.unexpected(path: list, expected: expected, found: "\(classes.count) lines")
    }
    labels = Dictionary(uniqueKeysWithValues: zip(classes, 0...))
  }

  /// Reads both halves; throws `DatasetError`, or `ImageError` for a picture.
  func load(_ request: DatasetRequest) throws -> DatasetPair {
    let (train, test) = (try byClass("train"), try validation())
    let present = Set(train.labels).count
    return try DatasetPair(
      train: train, test: test, in: folder, classNames: try classNames(), request,
      notes: present == 200
        ? [] : ["\(folder): no training images of \(200 - present) of the 200 classes"])
  }

  /// The pictures of `half`, which has a folder per class.
  private func byClass(_ half: String) throws -> PictureList {
    var pictures = PictureList()
    let path = BytePath(PathText.join(folder, half))
    for (label, name) in classes.enumerated() {
      let place = path.appending(BytePath(name))
      // Beside the images of a class lie its boxes.
      let images = place.appending(BytePath("images"))
      if case .folder = FolderListing.kind(of: images) {
        _ = try pictures.addAll(below: images, label: label)
      } else if case .folder = FolderListing.kind(of: place) {
        _ = try pictures.addAll(below: place, label: label)
      }
    }
    for name in try FolderListing.names(in: path) where !name.isHidden {
      let place = path.appending(name)
      if labels["\(name)"] == nil, case .folder = FolderListing.kind(of: place) {
        pictures.leftOut.add(place, "in no class of wnids.txt")
      }
    }
    guard !pictures.files.isEmpty else {
      throw DatasetError.noClasses(path: "\(path)", expected: "a folder per class of wnids.txt")
    }
    return pictures
  }

  private func validation() throws -> PictureList {
    let path = PathText.join(folder, "val")
    guard FolderListing.isFolder(PathText.join(path, "images")) else { return try byClass("val") }
    guard DatasetLayout.holds([Self.annotations], path) else {
      throw DatasetError.unexpected(
        path: path, expected: "\(Self.annotations) with the classes of the pictures in images/",
        found: "none")
    }
    return try annotated(path)
  }

  /// The pictures of `path`/images, whose classes the annotations say.
  private func annotated(_ path: String) throws -> PictureList {
    let images = BytePath(PathText.join(path, "images"))
    let table = PathText.join(path, Self.annotations)
    var rows: [(label: Int, name: BytePath)] = []
    for (index, line) in try Self.lines(table).enumerated() where !line.isEmpty {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard fields.count > 1, !fields[0].isEmpty, !fields[0].contains("/"),
        let label = labels[fields[1]]
      else {
        throw DatasetError.unexpected(
          path: "\(table):\(index + 1)",
          expected: "a picture's name, a tab and a wnid of wnids.txt",
          found: ArchiveError.quoted(line))
      }
      rows.append((label, BytePath(fields[0])))
    }
    guard !rows.isEmpty else {
      throw DatasetError.unexpected(path: table, expected: "a line per picture", found: "none")
    }
    var pictures = PictureList()
    for row in rows.sorted(by: { ($0.label, $0.name) < ($1.label, $1.name) }) {
      pictures.add(images.appending(row.name), label: row.label)
    }
    try pictures.leaveOut(in: images, but: Set(rows.map(\.name)), "not in \(Self.annotations)")
    return pictures
  }

  /// The classes in words where words.txt has them; 200 names, also of classes that are missing.
  private func classNames() throws -> [String] {
    var words: [String: String] = [:]
    if DatasetLayout.holds(["words.txt"], folder) {
      for line in try Self.lines(PathText.join(folder, "words.txt")) {
        let fields = line.split(separator: "\t", maxSplits: 1)
        if fields.count == 2 { words[String(fields[0])] = String(fields[1]) }
      }
    }
    return (0..<200).map { label in
      label < classes.count ? words[classes[label]] ?? classes[label] : "class \(label)"
    }
  }

  /// The lines of a text, which may end as Windows ends them.
  private static func lines(_ path: String) throws(DatasetError) -> [String] {
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(path, limit: textLimit)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    return bytes.split(separator: 10, omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
    }
  }
}
