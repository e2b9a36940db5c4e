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
