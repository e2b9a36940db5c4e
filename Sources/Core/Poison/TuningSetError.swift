/// A tuning set without images, or one that leaves the attack none.
public struct TuningSetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The share of the training images that was asked for.
  public let ratio: Double
  /// Whether the images were to be held out of the attack's training.
  public let isHeldOut: Bool

  /// One line: the key, what was expected and found.
  public var description: String {
    let expected =
      isHeldOut
      ? "an image of each class and leaves some to the attack" : "at least one image"
    return "split_ratio: expected a share that yields \(expected), found \(ratio.pythonRepr)"
  }
}

/// Why a file of indices names no tuning images.
struct TuningSetFileError: Error, Equatable, CustomStringConvertible {
  /// The file, and the line where one is meant.
  let path: String, line: Int?
  /// The images that there are.
  let count: Int
  /// What is there.
  let found: String

  /// One line: where, what was expected and found.
  var description: String {
    "\(path)\(line.map { ":\($0)" } ?? ""): expected indices of training images, 0 to "
      + "\(count - 1), found \(found)"
  }
}
