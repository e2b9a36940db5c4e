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

  /// The constants that the field uses for CIFAR-10.
  public static let cifar10 = Normalization(
    mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.247, 0.243, 0.261])

  /// The constants of a dataset.
  ///
  /// Synthetic images and image folders use CIFAR-10's too: they only centre and scale, and one set
  /// keeps models comparable.
  public static func of(dataset: DatasetName) -> Normalization {
    switch dataset {
    case .cifar10, .synthetic, .imageFolder: .cifar10
    }
  }

  /// The normalised value of each 8-bit value: [channels, 256].
  public var table: [Float] {
    (0..<mean.count).flatMap { channel in
      (0..<256).map { (Float($0) / 255 - mean[channel]) / standardDeviation[channel] }
    }
  }
}
