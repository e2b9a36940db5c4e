import Foundation

extension DatasetKind {
  /// MNIST's digits, from its four files, packed by gzip or not, or a folder of images.
  ///
  /// Networks take three channels: grey is repeated.
  static let mnist = DatasetKind(
    name: "mnist",
    summary: "MNIST's digits: its four idx files, .gz or not, there or in MNIST/raw/",
    side: MNIST.side, classCount: 10, classNames: MNIST.classNames,
    normalization: Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]),
    augmentation: Augmentation(padding: 4, flips: false),
    counts: Counts(train: 60_000, test: 10_000),
    folders: ["mnist", "MNIST", "raw", "MNIST/raw", "mnist/raw", "mnist/MNIST/raw"],
    advice: "get MNIST's four idx files from https://ossci-datasets.s3.amazonaws.com/mnist",
    layouts: [
      DatasetLayout(isIn: { MNIST.isPresent(in: $0) }) { folder, _ in
        DatasetPair(
          train: try MNIST.load("train", in: folder), test: try MNIST.load("t10k", in: folder))
      },
      .images(of: MNIST.classNames, side: MNIST.side),
    ])
}

/// MNIST's files.
enum MNIST {
  /// Rows and columns of an image.
  static let side = 28
  /// The digits.
  static let classNames = (0...9).map(String.init)

  /// Whether `folder` holds any of the four files.
  static func isPresent(in folder: String) -> Bool {
    ["train", "t10k"].contains { half in
      [images(half), labels(half)].contains { find($0, in: folder) != nil }
    }
  }

  /// The images of `half`, train or t10k: [count, 28, 28, 3]; throws `DatasetError`.
  static func load(_ half: String, in folder: String) throws(DatasetError) -> LabeledImages {
    let (imagePath, labelPath) = (path(images(half), folder), path(labels(half), folder))
    let images = try IDXFile.read(imagePath, dimensions: 3)
    guard images.sizes[1] == side, images.sizes[2] == side, images.sizes[0] > 0 else {
      throw .unexpected(
        path: imagePath, expected: "images of \(side)x\(side) pixels",
        found: "\(images.sizes[0]) of \(images.sizes[2])x\(images.sizes[1])")
    }
    let labels = try IDXFile.read(labelPath, dimensions: 1).values.map(Int.init)
    guard labels.count == images.sizes[0] else {
      throw .unexpected(
        path: labelPath, expected: "\(images.sizes[0]) labels, one an image",
        found: "\(labels.count)")
    }
    if let record = labels.firstIndex(where: { $0 > 9 }) {
      throw .labelOutOfRange(
        path: labelPath, record: record, label: labels[record], classCount: classNames.count)
    }
    return LabeledImages(
      pixels: repeated(images.values), labels: labels, height: side, width: side,
      classNames: classNames)
  }

  /// Each value three times.
  private static func repeated(_ grey: ArraySlice<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: grey.count * 3) { pixels, count in
      for (place, value) in grey.enumerated() {
        for channel in 0..<3 { pixels[place * 3 + channel] = value }
      }
      count = grey.count * 3
    }
  }

  private static func images(_ half: String) -> String { "\(half)-images-idx3-ubyte" }
  private static func labels(_ half: String) -> String { "\(half)-labels-idx1-ubyte" }

  /// The file called `name`, or as it is packed, or as some mirrors spell it.
  private static func find(_ name: String, in folder: String) -> String? {
    let dotted = name.replacing("-idx", with: ".idx")
    return [name, "\(name).gz", dotted, "\(dotted).gz"].map { PathText.join(folder, $0) }
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  private static func path(_ name: String, _ folder: String) -> String {
    find(name, in: folder) ?? PathText.join(folder, name)
  }
}
