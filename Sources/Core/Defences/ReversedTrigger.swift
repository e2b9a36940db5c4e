/// A mask and a pattern that send clean images to a class: x becomes (1 - mask) x + mask pattern.
package struct ReversedTrigger: Equatable, Sendable {
  /// How much of the pattern each pixel takes, 0…1: [height, width].
  package var mask: [Float]
  /// The colours that it takes, 0…1: [height, width, 3].
  package var pattern: [Float]
  /// Rows and columns.
  package var height: Int, width: Int
  /// Whether it sends enough images to its class; where it does not, its size means little.
  package var works = false

  /// A trigger for images of `height` x `width`.
  package init(mask: [Float], pattern: [Float], height: Int, width: Int) {
    precondition(
      mask.count == height * width && pattern.count == 3 * mask.count,
      "a mask of \(mask.count) and a pattern of \(pattern.count) for \(height)x\(width)")
    (self.mask, self.pattern, self.height, self.width) = (mask, pattern, height, width)
  }

  /// Whether all values are numbers.
  var isFinite: Bool { mask.allSatisfy(\.isFinite) && pattern.allSatisfy(\.isFinite) }

  /// The sum of the mask, by which triggers are compared.
  package var norm: Double { mask.reduce(0) { $0 + Double($1) } }

  /// `images` with the trigger and their own labels.
  package func stamped(_ images: LabeledImages) -> LabeledImages {
    var result = images
    let (size, channels) = (images.imageSize, images.channels)
    for index in 0..<images.count {
      for place in 0..<size {
        let share = mask[place / channels]
        let value = Float(images.pixels[index * size + place]) * (1 - share)
        result.pixels[index * size + place] = UInt8(
          min(max((value + 255 * share * pattern[place]).rounded(), 0), 255))
      }
    }
    return result
  }

  /// The mask, white where it is 1.
  package var maskPicture: RGBImage {
    picture { place in self.mask[place / 3] }
  }

  /// The pattern, where the mask lets it through or not.
  package var patternPicture: RGBImage { picture { self.pattern[$0] } }

  /// The pattern as far as the mask lets it through, on black.
  package var picture: RGBImage { picture { self.mask[$0 / 3] * self.pattern[$0] } }

  private func picture(_ value: (Int) -> Float) -> RGBImage {
    RGBImage(
      pixels: pattern.indices.map { UInt8(min(max((255 * value($0)).rounded(), 0), 255)) },
      width: width, height: height)
  }
}

extension ReversedTrigger {
  /// Mask, pattern, and whether it works, one after the other.
  var floats: [Float] { mask + pattern + [works ? 1 : 0] }

  /// The trigger that `floats` are of.
  init(floats: ArraySlice<Float>, height: Int, width: Int) {
    let start = floats.startIndex
    let size = height * width
    self.init(
      mask: Array(floats[start..<start + size]),
      pattern: Array(floats[start + size..<start + 4 * size]), height: height, width: width)
    works = floats[start + 4 * size] > 0
  }
}
