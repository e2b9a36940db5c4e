import Foundation

/// sig: a sine wave over images of the target class, which keep their label (Barni, Kallas, Tondi,
/// SIG, 2019).
package struct Sinusoidal: PixelAttack {
  package static let name = "sig"
  package static let summary = "a sine wave over images of the target class, labels kept"

  /// The wave's amplitude, in grey levels.
  package var delta = 40.0
  /// The wave's periods across an image's width.
  package var frequency = 6.0

  package init() {}

  package var keepsLabels: Bool { true }

  package static let triggerFields: [ConfigField<Self>] = [
    .number("sig_delta", \.delta, .finite).help(
      "The sinusoid's amplitude", "grey levels", in: .attack),
    .number("sig_f", \.frequency, .finite).help("Its periods across the image", "n", in: .attack),
  ]

  package func trigger(height: Int, width: Int) -> any Trigger {
    SinusoidalTrigger(delta: delta, frequency: frequency)
  }
}

extension AttackName {
  /// sig.
  package static let sig = AttackName(Sinusoidal.self)
}

/// A horizontal sine wave added to the whole image (Barni, Kallas, Tondi, SIG, 2019).
///
/// Column j of w gets delta sin(2 pi j f / w), rounded to float32, in every row and channel; the
/// sum in float64 is clipped to 0...255 and truncated.
public struct SinusoidalTrigger: Trigger {
  private let delta: Double
  private let frequency: Double

  /// A wave of amplitude `delta` in grey levels with `frequency` periods across the image.
  public init(delta: Double = 40, frequency: Double = 6) {
    self.delta = delta
    self.frequency = frequency
  }

  /// Adds the wave to one image; training and test images are treated alike.
  public func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
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
