/// Writes one 8-bit image as normalised floats, moved and mirrored as an augmentation says.
struct ImageWriter: Sendable {
  private let height: Int
  private let width: Int
  private let channels: Int
  /// The normalised value of each 8-bit value: [channels, 256].
  private let table: [Float]

  /// A writer of images of one size.
  init(height: Int, width: Int, channels: Int, normalization: Normalization) {
    precondition(
      normalization.mean.count == channels,
      "\(normalization.mean.count) means for \(channels) channels")
    self.height = height
    self.width = width
    self.channels = channels
    table = normalization.table
  }

  /// Fills `output` (HWC floats) from `input` (HWC bytes); pixels from outside the image are black.
  func write(
    _ input: UnsafeBufferPointer<UInt8>, placement: Augmentation.Placement,
    to output: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(
      input.count == height * width * channels && output.count == input.count,
      "\(input.count) bytes into \(output.count) floats for \(height)x\(width)x\(channels)")
    table.withUnsafeBufferPointer { table in
      for y in 0..<height {
        let sourceRow = y + placement.rowShift
        let isInside = sourceRow >= 0 && sourceRow < height
        for x in 0..<width {
          let column = (placement.isFlipped ? width - 1 - x : x) + placement.columnShift
          let isVisible = isInside && column >= 0 && column < width
          let source = (sourceRow * width + column) * channels
          let target = (y * width + x) * channels
          for channel in 0..<channels {
            let value = isVisible ? Int(input[source + channel]) : 0
            output[target + channel] = table[channel * 256 + value]
          }
        }
      }
    }
  }
}
