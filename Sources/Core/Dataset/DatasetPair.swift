/// The training and the test images of a dataset.
public struct DatasetPair: Sendable {
  /// The training images.
  public var train: LabeledImages
  /// The test images, of the same size and classes.
  public var test: LabeledImages
  /// What the user should know of the files, one line each.
  public var warnings: [String]

  /// Joins the two halves of a dataset.
  public init(train: LabeledImages, test: LabeledImages, warnings: [String] = []) {
    self.train = train
    self.test = test
    self.warnings = warnings
  }
}

/// Which half of a dataset an image belongs to.
public enum DatasetSplit: String, Sendable {
  case train, test
}
