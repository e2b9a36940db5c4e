import Foundation

extension DatasetKind {
  /// CIFAR-10, from its binary files, its Python pickles or a folder of images.
  static let cifar10 = DatasetKind(
    name: "cifar10",
    summary: "CIFAR-10: its binary or Python files, or images in train/<class>/ and test/<class>/",
    side: CIFARRecords.side, classCount: 10, classNames: CIFAR10.classNames,
    normalization: .cifar10, augmentation: Augmentation(padding: 4, flips: true),
    counts: Counts(train: 50_000, test: 10_000),
    folders: ["cifar10", "cifar-10-batches-bin", "cifar-10-batches-py"],
    advice: "get CIFAR-10's binary version from https://www.cs.toronto.edu/~kriz/cifar.html",
    layouts: [
      DatasetLayout(isIn: { CIFAR10.binary.isIn($0) }) { folder, _ in
        try CIFAR10.loadBinary(folder: folder)
      },
      DatasetLayout(isIn: { CIFAR10.python.isIn($0) }) { folder, _ in
        try CIFAR10.loadPython(folder: folder)
      },
      .images(of: CIFAR10.classNames, side: CIFARRecords.side),
    ])
}

extension Normalization {
  /// The constants that the field uses for CIFAR-10.
  public static let cifar10 = Normalization(
    mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.247, 0.243, 0.261])
}

/// CIFAR-10's files, of which some training batches may be missing.
public enum CIFAR10 {
  /// Names of the ten classes, by label.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  /// The names of one version's files.
  struct Files {
    let train: [String]
    let test: String

    /// Whether `folder` holds any of them.
    func isIn(_ folder: String) -> Bool { DatasetLayout.holds(train + [test], folder) }

    /// The halves as `read` gives them, with a line about training files that are missing.
    func load(_ folder: String, _ read: ([String]) throws -> LabeledImages) throws -> DatasetPair {
      let paths = train.map { PathText.join(folder, $0) }
      let present = paths.filter { FileManager.default.fileExists(atPath: $0) }
      let images = try read(present.isEmpty ? [paths[0]] : present)
      let missing = train.filter { !present.contains(PathText.join(folder, $0)) }
      return DatasetPair(
        train: images, test: try read([PathText.join(folder, test)]),
        warnings: missing.isEmpty
          ? []
          : [
            "\(folder): \(missing.joined(separator: ", ")) missing: "
              + "going on with the \(images.count) training images that are there"
          ])
    }
  }

  static let binary = Files(
    train: (1...5).map { "data_batch_\($0).bin" }, test: "test_batch.bin")
  static let python = Files(train: (1...5).map { "data_batch_\($0)" }, test: "test_batch")

  /// Reads those of data_batch_1.bin … data_batch_5.bin that are there, and test_batch.bin; warns
  /// of those that are not.
  ///
  /// Throws `DatasetError` where a file is missing, is not made of whole records or has a wrong
  /// label.
  public static func loadBinary(folder: String) throws -> DatasetPair {
    let records = CIFARRecords(classNames: classNames, labelBytes: 1)
    return try binary.load(folder) { try records.read($0) }
  }

  /// Reads those of data_batch_1 … data_batch_5 that are there, and test_batch, likewise; throws
  /// `ArchiveError`.
  public static func loadPython(folder: String) throws -> DatasetPair {
    let pickles = CIFARPickles(classNames: classNames, labelKey: "labels")
    return try python.load(folder) { try pickles.read($0) }
  }
}
