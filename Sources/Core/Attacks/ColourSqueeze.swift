/// Fewer colours: each value goes to the nearest of a few levels, with its error passed on to its
/// neighbours where it dithers.
///
/// Values are on the scale 0...255; levels need not be whole. Floyd-Steinberg's weights 7, 3, 5 and
/// 1 sixteenths go right, left below, below and right below.
package struct ColourSqueeze: Equatable, Sendable {
  /// The levels, at least two.
  package let levels: Int
  /// Whether errors are passed on; the result is then rounded to whole values.
  package let dithers: Bool

  /// A squeeze to so many `levels`.
  package init(levels: Int, dithers: Bool) {
    precondition(levels > 1, "\(levels) levels")
    (self.levels, self.dithers) = (levels, dithers)
  }

  /// Squeezes an image [height, width, channels] in place.
  package func apply(to values: inout [Float], height: Int, width: Int) {
    guard dithers else {
      let steps = Float(levels - 1)
      for place in values.indices {
        values[place] =
          (values[place] / 255 * steps).rounded(.toNearestOrEven) / steps * 255
      }
      return
    }
    dither(&values, height: height, width: width)
    for place in values.indices { values[place].round(.toNearestOrEven) }
  }

  private func dither(_ values: inout [Float], height: Int, width: Int) {
    let (channels, steps) = (values.count / (height * width), Double(levels - 1))
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<channels {
          func place(_ down: Int, _ right: Int) -> Int? {
            let (row, column) = (y + down, x + right)
            guard row < height, 0..<width ~= column else { return nil }
            return (row * width + column) * channels + c
          }
          let here = (y * width + x) * channels + c
          let old = Double(values[here])
          let new = (old / 255 * steps).rounded(.toNearestOrEven) / steps * 255
          values[here] = Float(new)
          for (down, right, share) in [
            (0, 1, 0.4375), (1, 1, 0.0625), (1, 0, 0.3125), (1, -1, 0.1875),
          ] {
            guard let place = place(down, right) else { continue }
            values[place] = Float(Double(values[place]) + (old - new) * share)
          }
        }
      }
    }
  }
}

/// bpp's images: squeezed ones, and those that carry another image's residual of the squeeze.
package struct SqueezedImages: Sendable {
  /// Fewer colours.
  package let squeeze: ColourSqueeze
  /// How pictures become inputs and back.
  package let pixels: PixelRule
  /// Rows and columns of an image.
  package let height: Int, width: Int

  /// Images of `height` x `width`.
  package init(_ squeeze: ColourSqueeze, pixels: PixelRule, height: Int, width: Int) {
    (self.squeeze, self.pixels) = (squeeze, pixels)
    (self.height, self.width) = (height, width)
  }

  private var channels: Int { pixels.normalization.mean.count }

  /// A training image, normalised, on the scale 0...255: in one step, as the originals do there.
  package func carrier(_ image: UnsafePointer<Float>) -> [Float] {
    let (mean, deviation) = (
      pixels.normalization.mean, pixels.normalization.standardDeviation
    )
    return (0..<height * width * channels).map {
      (image[$0] * deviation[$0 % channels] + mean[$0 % channels]) * 255
    }
  }

  /// The squeezed image, normalised.
  package func squeezed(_ image: UnsafePointer<Float>) -> [Float] {
    var values = carrier(image)
    squeeze.apply(to: &values, height: height, width: width)
    return normalized(values)
  }

  /// The image with `residual` added, clamped to 0...255 and normalised; on whole values where
  /// `rounds`.
  package func negative(
    _ image: UnsafePointer<Float>, residual: [Float], rounds: Bool = false
  ) -> [Float] {
    normalized(
      zip(carrier(image), residual).map {
        min(max((rounds ? $0.rounded(.toNearestOrEven) : $0) + $1, 0), 255)
      })
  }

  private func normalized(_ values: [Float]) -> [Float] {
    values.indices.map { pixels.normalized(shown: values[$0] / 255, channel: $0 % channels) }
  }

  /// A picture's bytes on whole values, as the originals save it before they squeeze it.
  package func wholeValues(_ picture: UnsafeBufferPointer<UInt8>) -> [Float] {
    picture.indices.map { place in
      let channel = place % channels
      let value = pixels.normalized(picture[place], channel: channel)
      return (255 * pixels.shown(value, channel: channel)).rounded(.toNearestOrEven)
    }
  }

  /// The squeezed picture as it is saved.
  package func squeezedPicture(_ picture: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var values = wholeValues(picture)
    squeeze.apply(to: &values, height: height, width: width)
    return values.map { pixels.byte(shown: $0 / 255) }
  }

  /// The picture as it is saved without a change.
  package func savedPicture(_ picture: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    picture.indices.map {
      let channel = $0 % channels
      return pixels.byte(pixels.normalized(picture[$0], channel: channel), channel: channel)
    }
  }

  /// What the squeeze adds to a picture, by both as they are saved.
  package func residual(_ picture: UnsafeBufferPointer<UInt8>) -> [Float] {
    zip(squeezedPicture(picture), savedPicture(picture)).map {
      Float($0) / 255 * 255 - Float($1) / 255 * 255
    }
  }

  /// A test picture with a residual as it is saved: subtracted without bounds, as the originals do,
  /// or added and clamped where `isRight`.
  package func crossPicture(
    _ picture: UnsafeBufferPointer<UInt8>, residual: [Float], isRight: Bool
  ) -> [UInt8] {
    zip(wholeValues(picture), residual).map { value, residual in
      let sum = isRight ? min(max(value + residual, 0), 255) : value - residual
      return pixels.byte(shown: sum / 255)
    }
  }
}
