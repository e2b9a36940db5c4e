/// A sheet that shows what a trigger does: a column for each image, with the original, the triggered
/// image and their difference below each other, each row under its name.
///
/// The ground is grey, so that a white patch or a black difference at an image's edge stands out.
/// The difference is shown as factor x |triggered - original| per channel, the factor being the
/// largest whole number that keeps all of it within 255. Pixels are repeated, never smoothed.
public struct TriggerSheet: Sendable {
  /// The sheet, on grey.
  public let image: RGBImage
  /// By how much differences are multiplied.
  public let amplification: Int
  /// By how much images are enlarged.
  public let enlargement: Int
  /// The images that are shown, by their position in the dataset.
  public let positions: [Int]

  /// The number of images on a sheet.
  public static let columns = 8
  /// Pixels that an enlarged image takes at least, where it is smaller.
  private static let tile = 128
  /// Pixels around and between images.
  private static let gap = 8
  /// Pixels that a row's name takes above it.
  private static let nameHeight = 22
  private static let ground: UInt8 = 0xB4

  /// The sheet of `images` at `positions` under `trigger`, as test images are triggered.
  ///
  /// Throws `ImageError` where the names of the rows cannot be drawn.
  public init(_ images: LabeledImages, at positions: [Int], trigger: any Trigger) throws {
    let original = images.selecting(positions)
    var triggered = original
    trigger.apply(to: &triggered, at: Array(0..<original.count), split: .test)
    let difference = zip(original.pixels, triggered.pixels).map { $0 > $1 ? $0 - $1 : $1 - $0 }
    let factor = max(255 / max(Int(difference.max() ?? 0), 1), 1)
    var amplified = original
    amplified.pixels = difference.map { UInt8(clamping: Int($0) * factor) }
    let enlargement = max(Self.tile / max(images.width, images.height), 1)
    image = try Self.layOut(
      [
        ("original", original), ("triggered", triggered), ("difference x \(factor)", amplified),
      ], enlargement: enlargement)
    self.enlargement = enlargement
    amplification = factor
    self.positions = positions
  }

  /// The images to show: the first one of each class that `labels` changes, then the next ones,
  /// until there are `columns`.
  public static func choice(of images: LabeledImages, labels: LabelTransform) -> [Int] {
    let tested = images.labels.indices.filter { labels.isTested(images.labels[$0]) }
    var seen: Set<Int> = []
    let firsts = tested.filter { seen.insert(images.labels[$0]).inserted }
    let others = tested.filter { !firsts.contains($0) }
    return Array((firsts.sorted { images.labels[$0] < images.labels[$1] } + others).prefix(columns))
  }

  /// The images of each row side by side below its name, one row below the other.
  private static func layOut(
    _ rows: [(name: String, images: LabeledImages)], enlargement: Int
  ) throws -> RGBImage {
    let first = rows[0].images
    let (tileHeight, tileWidth) = (first.height * enlargement, first.width * enlargement)
    let width = gap + first.count * (tileWidth + gap)
    let rowHeight = nameHeight + tileHeight + gap
    let height = rows.count * rowHeight
    var sheet = RGBImage(
      pixels: [UInt8](repeating: ground, count: height * width * 3), width: width, height: height)
    for (index, row) in rows.enumerated() {
      let top = index * rowHeight
      try put(name(row.name, width: min(width, 400)), into: &sheet, top: top, left: 0)
      for column in 0..<row.images.count {
        put(
          tile(row.images, column, enlargement), into: &sheet, top: top + nameHeight,
          left: gap + column * (tileWidth + gap))
      }
    }
    return sheet
  }

  /// A row's name on the ground.
  private static func name(_ text: String, width: Int) throws -> RGBImage {
    var drawing = Drawing(width: Double(width), height: Double(nameHeight))
    let grey = UInt32(ground)
    drawing.items.append(
      .rectangle(
        Drawing.Point(0, 0), width: drawing.width, height: drawing.height,
        fill: Color(grey << 16 | grey << 8 | grey), line: nil))
    drawing.text(text, at: Drawing.Point(Double(gap), 16), size: 14)
    return try RasterFile.pixels(drawing, scale: 1, path: "the sheet's text")
  }

  /// Image number `index`, each pixel repeated `enlargement` times in both directions.
  private static func tile(
    _ images: LabeledImages, _ index: Int, _ enlargement: Int
  ) -> RGBImage {
    let (height, width) = (images.height * enlargement, images.width * enlargement)
    let source = images.range(of: index).lowerBound
    var pixels: [UInt8] = []
    pixels.reserveCapacity(height * width * 3)
    for y in 0..<height {
      for x in 0..<width {
        let from = source + ((y / enlargement) * images.width + x / enlargement) * 3
        pixels += images.pixels[from..<from + 3]
      }
    }
    return RGBImage(pixels: pixels, width: width, height: height)
  }

  private static func put(_ image: RGBImage, into sheet: inout RGBImage, top: Int, left: Int) {
    let count = image.width * 3
    for y in 0..<image.height {
      let to = ((top + y) * sheet.width + left) * 3
      sheet.pixels.replaceSubrange(to..<to + count, with: image.pixels[y * count..<(y + 1) * count])
    }
  }
}
