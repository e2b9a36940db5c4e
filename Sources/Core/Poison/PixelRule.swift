/// How normalised values become the bytes of a saved picture.
///
/// The originals' attacks inside the training loop cut 255 v off without rounding, and keep its last
/// eight bits where v lies outside 0...1: what was normalised before comes back one grey level
/// darker in 16 % of the bytes of natural images. Rounding and clamping is the right rule.
package struct PixelRule: Equatable, Sendable {
  /// How bytes become the model's inputs.
  package let normalization: Normalization
  /// Whether bytes are rounded and clamped.
  package let rounds: Bool
  private let negatedMean, inverseDeviation: [Float]
  private let table: [Float]

  /// The rule for what `normalization` has normalised.
  package init(_ normalization: Normalization, rounds: Bool) {
    (self.normalization, self.rounds) = (normalization, rounds)
    negatedMean = normalization.mean.map { -$0 }
    // Its decimal digits are what the originals divide 1 by, in double.
    inverseDeviation = normalization.standardDeviation.map {
      Float(1 / (Double("\($0)") ?? Double($0)))
    }
    table = normalization.table
  }

  /// The normalised value of a byte.
  package func normalized(_ byte: UInt8, channel: Int) -> Float { table[channel * 256 + Int(byte)] }

  /// The normalised value of `shown`, on the scale 0...1.
  package func normalized(shown: Float, channel: Int) -> Float {
    (shown - normalization.mean[channel]) / normalization.standardDeviation[channel]
  }

  /// What a normalised value is on the scale 0...1, rounded as the originals' two steps do.
  package func shown(_ value: Float, channel: Int) -> Float {
    value / inverseDeviation[channel] - negatedMean[channel]
  }

  /// The byte of `shown`, on the scale 0...1; 0 for what is no number.
  package func byte(shown: Float) -> UInt8 {
    let scaled = shown * 255
    guard abs(scaled) < 0x1p31 else { return 0 }
    if rounds { return UInt8(min(max(scaled.rounded(.toNearestOrEven), 0), 255)) }
    return UInt8(truncatingIfNeeded: Int32(scaled))
  }

  /// The byte of a normalised value.
  package func byte(_ value: Float, channel: Int) -> UInt8 {
    byte(shown: shown(value, channel: channel))
  }

  /// An image as the model gets it: [height, width, channels].
  package func normalized(_ pixels: UnsafeMutableBufferPointer<UInt8>) -> [Float] {
    let channels = normalization.mean.count
    return pixels.indices.map { normalized(pixels[$0], channel: $0 % channels) }
  }

  /// Writes normalised `values` to `pixels`.
  package func write(_ values: [Float], to pixels: UnsafeMutableBufferPointer<UInt8>) {
    let channels = normalization.mean.count
    for place in pixels.indices { pixels[place] = byte(values[place], channel: place % channels) }
  }

  /// Replaces normalised `values` by those of the picture that they are saved as.
  package func quantize(_ values: inout [Float]) {
    let channels = normalization.mean.count
    for place in values.indices {
      let channel = place % channels
      values[place] = normalized(byte(values[place], channel: channel), channel: channel)
    }
  }
}
