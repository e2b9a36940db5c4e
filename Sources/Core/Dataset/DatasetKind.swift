import Synchronization

/// A dataset that the program knows: how its files are found and read, and what a model of it has to
/// be told.
///
/// Each stands in a file of its own and in `Datasets.all`; everything else asks the list.
public struct DatasetKind: Sendable {
  /// Its name on the command line, in YAML files and in archives (`clean_data`).
  public let name: String
  /// What it is and how it lies on disk, in the words of `--help`.
  public let summary: String
  /// The rows and columns of its images; nil are those of the pictures.
  public let side: Int?
  /// The number of its classes; nil is that of the folders.
  public let classCount: Int?
  /// Names of the classes, by label; empty where only the files say them.
  public let classNames: [String]
  /// How pixels become a model's inputs, unless `--mean` and `--std` say it.
  public let normalization: Normalization
  /// Whose statistics these are where the dataset has none of its own.
  public let borrowsStatisticsOf: String?
  /// What training does to its images.
  public let augmentation: Augmentation
  /// How Feature Shift Tuning purifies models of it.
  public let tuning: TuningDefaults
  /// Its images; nil where only the files say how many.
  public let counts: Counts?
  /// Folders below the one given in which its files usually are.
  let folders: [String]
  /// Where its files can be had, as a message ends; nil where none are needed.
  let advice: String?
  /// The forms in which it is read, the first one that is there.
  let layouts: [DatasetLayout]

  /// Numbers of training and test images.
  public struct Counts: Equatable, Sendable {
    /// Training images.
    public let train: Int
    /// Test images.
    public let test: Int

    /// So many of each.
    public init(train: Int, test: Int) { (self.train, self.test) = (train, test) }
  }

  /// Settings of Feature Shift Tuning that its paper gives for each dataset by itself.
  public struct TuningDefaults: Equatable, Sendable {
    /// The learning rate at the start.
    public var learningRate = 0.01
    /// Passes over the tuning images.
    public var epochs = 10
    /// The weight of the feature-shift penalty.
    public var alpha = 0.2
    /// The share of the training images that is tuned on.
    public var splitRatio = 0.02
  }

  package init(
    name: String, summary: String, side: Int?, classCount: Int?, classNames: [String] = [],
    normalization: Normalization, borrowsStatisticsOf: String? = nil,
    augmentation: Augmentation, tuning: TuningDefaults = TuningDefaults(), counts: Counts?,
    folders: [String] = [], advice: String?, layouts: [DatasetLayout]
  ) {
    precondition(classNames.isEmpty || classNames.count == classCount, "names of \(name)'s classes")
    (self.name, self.summary, self.side) = (name, summary, side)
    (self.classCount, self.classNames) = (classCount, classNames)
    (self.normalization, self.borrowsStatisticsOf) = (normalization, borrowsStatisticsOf)
    (self.augmentation, self.tuning, self.counts) = (augmentation, tuning, counts)
    (self.folders, self.advice, self.layouts) = (folders, advice, layouts)
  }

  /// Whether it is read from files.
  public var needsFiles: Bool { advice != nil }
  /// Whether it is the user's own pictures, of which nothing is known beforehand.
  public var isUsersOwn: Bool { needsFiles && classCount == nil }
}

/// One form in which a dataset lies on disk.
package struct DatasetLayout: Sendable {
  /// Whether a folder holds any of its files.
  package let isIn: @Sendable (_ folder: String) -> Bool
  /// Reads it from that folder.
  package let read: @Sendable (_ folder: String, _ request: DatasetRequest) throws -> DatasetPair

  /// A form that is there where `isIn` finds it, and that `read` reads.
  package init(
    isIn: @escaping @Sendable (_ folder: String) -> Bool,
    read: @escaping @Sendable (_ folder: String, _ request: DatasetRequest) throws -> DatasetPair
  ) {
    (self.isIn, self.read) = (isIn, read)
  }
}

/// Told how many images of how many are read, from several threads.
public typealias ReadingProgress = @Sendable (_ done: Int, _ total: Int) -> Void

/// How a dataset is to be read.
package struct DatasetRequest: Sendable {
  /// What pictures are resized to; nil is no change.
  package var size: ImageSize?
  /// The seed of images that are generated.
  package var seed: UInt64
  /// Whether training pictures may stay undecoded: nobody looks at them.
  package var isTestOnly = false
  /// The threads that decode; nil are all processors of this process.
  package var threads: Int?
  /// Told how far that is.
  package var progress: ReadingProgress?

  /// A reading of the dataset as it is, or resized to `size`.
  package init(
    size: ImageSize? = nil, seed: UInt64, isTestOnly: Bool = false, threads: Int? = nil
  ) {
    (self.size, self.seed, self.isTestOnly, self.threads) = (size, seed, isTestOnly, threads)
  }
}

extension DatasetRequest {
  /// Counts one more of `total` images in `done`, and tells of every 64th and of the last.
  func count(_ done: borrowing Atomic<Int>, of total: Int) {
    let number = done.add(1, ordering: .relaxed).newValue
    if number.isMultiple(of: 64) || number == total { progress?(number, total) }
  }
}
