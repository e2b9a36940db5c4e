/// What is wrong with a dataset on disk; each case names the file and what was expected.
public enum DatasetError: Error, CustomStringConvertible, Equatable, Sendable {
  /// No dataset is called so.
  case unknownName(String)
  /// No files of a dataset are in the folder or in those below it where they usually are.
  case missing(dataset: String, path: String)
  /// A file or folder of a dataset that is not what it should be.
  case unexpected(path: String, expected: String, found: String)
  /// A folder that must hold images of classes is not there or holds none.
  case noClasses(path: String, expected: String)
  /// A file that belongs to the dataset is not there or cannot be read.
  case unreadable(path: String, reason: String)
  /// A binary file that does not consist of whole records.
  case wrongSize(path: String, bytes: Int, record: Int)
  /// A label outside the dataset's classes.
  case labelOutOfRange(path: String, record: Int, label: Int, classCount: Int)
  /// The classes of the training and the test images differ.
  case classMismatch(path: String, expected: [String], found: [String])
  /// An image of another size than the first one.
  case imageSize(path: String, expected: String, found: String)
  /// Images smaller or larger than the networks take.
  case sides(path: String, found: String)
  /// A class folder without any image.
  case emptyClass(path: String)
  /// Two halves that spell the name of a class in different bytes.
  case spelling(path: String, expected: BytePath, found: BytePath)
  /// Several files with faults: what is wrong with the first ones, and how many there are.
  case several(first: [String], count: Int, total: Int)
  /// Nothing where an archive says that its images are.
  case archivedPath(String, problem: String)
  /// More pixels than the machine has memory for.
  case memory(path: String, images: Int, bytes: Int)

  /// One line: what is wrong, where, what was expected and found.
  public var description: String {
    switch self {
    case .unknownName(let name):
      return "dataset '\(name)' is unknown; known are \(Datasets.names)"
    case .missing(let dataset, let path):
      return Self.missing(Datasets.named(dataset), dataset, path)
    case .unexpected(let path, let expected, let found):
      return "\(path): expected \(expected), found \(found)"
    case .noClasses(let path, let expected):
      return "\(path): expected \(expected), found none"
    case .unreadable(let path, let reason):
      return "\(path): cannot be read: \(reason)"
    case .wrongSize(let path, let bytes, let record):
      let pixels = CIFARRecords.imageSize
      return "\(path): expected a multiple of \(record) bytes (\(record - pixels) of labels and "
        + "\(pixels) pixel values per image) and at least one image, found \(bytes) bytes"
    case .labelOutOfRange(let path, let record, let label, let classCount):
      return "\(path): image \(record) has label \(label), expected 0...\(classCount - 1)"
    case .classMismatch(let path, let expected, let found):
      return "\(path): expected the classes \(Self.list(expected)), found \(Self.list(found))"
    case .imageSize(let path, let expected, let found):
      return "\(path): expected an image of \(expected) pixels as the others, found \(found); "
        + "--img_size SIDE resizes all"
    case .sides(let path, let found):
      let sides = LabeledImages.sides
      return
        "\(path): expected images of \(sides.lowerBound) to \(sides.upperBound) pixels a side, "
        + "found \(found); --img_size SIDE resizes all"
    case .emptyClass(let path):
      return "\(path): expected \(PictureFormat.list) images, found none"
    case .spelling(let path, let expected, let found):
      return "\(path): expected the class '\(expected)' spelt in the bytes that train has "
        + "(\(Self.hexadecimal(expected))), found \(Self.hexadecimal(found)): the names look alike, but "
        + "one has its accents apart, as macOS writes them; rename one of the two folders"
    case .several(let first, let count, let total):
      return first.joined(separator: "; ")
        + (count > first.count ? "; and \(count - first.count) more" : "")
        + " (\(count) of \(total) images)"
    case .archivedPath(let path, let problem):
      return
        "\(problem); '\(path)' is the archive's own data path, seen from this folder: give the "
        + "dataset's as --dataset_path"
    case .memory(let path, let images, let bytes):
      return
        "\(path): expected images that fit into memory, found \(images) with \(bytes >> 20) MiB "
        + "of pixels"
    }
  }

  /// Whether there is nothing at the path.
  var isAbsence: Bool {
    switch self {
    case .missing, .noClasses: true
    default: false
    }
  }

  private static func missing(_ kind: DatasetKind?, _ name: String, _ path: String) -> String {
    let below = (kind?.folders ?? []).joined(separator: ", ")
    return "no files of \(name) in \(path) (looked there and in \(below) below it): "
      + (kind?.advice ?? "") + " and give its folder as --dataset_path, "
      + "or use --dataset synthetic, which needs no files"
  }

  private static func hexadecimal(_ name: BytePath) -> String {
    name.bytes.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined(separator: " ")
  }

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "(none)" }
    let shown = names.prefix(12).joined(separator: ", ")
    return names.count > 12 ? "\(shown), … (\(names.count))" : shown
  }
}
