import Foundation

/// A horizontal sine wave added to the whole image (Barni, Kallas, Tondi, SIG, 2019).
///
/// Column j of w gets delta sin(2 pi j f / w), rounded to float32, in every row and channel; the
/// sum in float64 is clipped to 0...255 and truncated.
public struct SinusoidalTrigger: Trigger {
  /// The attack's name.
  public let name = "sig"
  private let delta: Double
  private let frequency: Double

  /// A wave of amplitude `delta` in grey levels with `frequency` periods across the image.
  public init(delta: Double = 40, frequency: Double = 6) {
    self.delta = delta
    self.frequency = frequency
  }

  /// Adds the wave to one image; training and test images are treated alike.
  public func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, split: DatasetSplit
  ) {
    precondition(
      pixels.count == height * width * 3, "\(pixels.count) values for \(height)x\(width)x3")
    let wave = (0..<width).map { column in
      Double(Float(delta * sin(2 * Double.pi * Double(column) * frequency / Double(width))))
    }
    for y in 0..<height {
      for x in 0..<width {
        let start = (y * width + x) * 3
        for place in start..<start + 3 {
          pixels[place] = UInt8(min(max(Double(pixels[place]) + wave[x], 0), 255))
        }
      }
    }
  }
}
