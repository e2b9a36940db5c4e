/// Random crop after padding with black, then a random horizontal flip, on 8-bit pixels.
///
/// The padding is black before normalisation, as torchvision's RandomCrop on an image gives. What
/// an image gets depends on (seed, epoch, index) alone.
public struct Augmentation: Equatable, Sendable {
  /// Black pixels added on each side before the crop to the original size.
  public let padding: Int
  /// Whether images are mirrored left to right with probability 1/2.
  public let flips: Bool

  /// A crop after `padding` black pixels on each side, and flips if they are wanted.
  public init(padding: Int, flips: Bool) {
    precondition(padding >= 0, "padding \(padding)")
    self.padding = padding
    self.flips = flips
  }

  /// Where an image is read from: output (y, x) is input (y + rowShift, x + columnShift), and the
  /// output is mirrored afterwards where `isFlipped`.
  public struct Placement: Equatable, Sendable {
    /// Rows between output and input, `-padding...padding`.
    public let rowShift: Int
    /// Columns between output and input, `-padding...padding`.
    public let columnShift: Int
    /// Whether the output is mirrored left to right.
    public let isFlipped: Bool

    /// The placement that changes nothing.
    public static let identity = Placement(rowShift: 0, columnShift: 0, isFlipped: false)

    /// A placement of given shifts.
    public init(rowShift: Int, columnShift: Int, isFlipped: Bool) {
      self.rowShift = rowShift
      self.columnShift = columnShift
      self.isFlipped = isFlipped
    }
  }

  /// The placement of image `index` in `epoch`.
  public func placement(seed: UInt64, epoch: Int, index: Int) -> Placement {
    var stream = RandomStream(seed: seed, purpose: .augmentation, epoch: epoch, index: index)
    let rowShift = stream.nextInt(below: 2 * padding + 1) - padding
    let columnShift = stream.nextInt(below: 2 * padding + 1) - padding
    let isFlipped = flips && stream.nextInt(below: 2) == 1
    return Placement(rowShift: rowShift, columnShift: columnShift, isFlipped: isFlipped)
  }
}
