/// The affine map from 8-bit pixels to the model's input: (value / 255 - mean) / standardDeviation.
///
/// Rounds as torchvision's ToTensor and Normalize do in float32, so inputs have the same bits.
public struct Normalization: Equatable, Sendable {
  /// Mean of each channel on the scale 0...1, in the order red, green, blue.
  public let mean: [Float]
  /// Standard deviation of each channel on the scale 0...1.
  public let standardDeviation: [Float]

  /// A map with one mean and one positive standard deviation per channel.
  public init(mean: [Float], standardDeviation: [Float]) {
    precondition(
      mean.count == standardDeviation.count,
      "\(mean.count) means, \(standardDeviation.count) standard deviations")
    precondition(
      standardDeviation.allSatisfy { $0 > 0 }, "standard deviations \(standardDeviation)")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// The constants of ImageNet, with which many published models of other datasets are trained too.
  static let imageNet = Normalization(
    mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])

  /// The normalised value of each 8-bit value: [channels, 256].
  public var table: [Float] {
    (0..<mean.count).flatMap { channel in
      (0..<256).map { (Float($0) / 255 - mean[channel]) / standardDeviation[channel] }
    }
  }
}
