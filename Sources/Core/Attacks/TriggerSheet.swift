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

  /// The sheet of `images` at `positions` under `trigger`, as test images are triggered.
  ///
  /// Throws `ImageError` where the names of the rows cannot be drawn.
  public init(_ images: LabeledImages, at positions: [Int], trigger: any Trigger) throws {
    let original = images.selecting(positions)
    var triggered = original
    trigger.apply(to: &triggered, at: Array(0..<original.count), split: .test)
    try self.init(original, triggered: triggered, at: positions)
  }

  /// The sheet of `original` and `triggered` images, which are at `positions` of a dataset.
  init(_ original: LabeledImages, triggered: LabeledImages, at positions: [Int]) throws {
    let difference = zip(original.pixels, triggered.pixels).map { $0 > $1 ? $0 - $1 : $1 - $0 }
    let factor = max(255 / max(Int(difference.max() ?? 0), 1), 1)
    var amplified = original
    amplified.pixels = difference.map { UInt8(clamping: Int($0) * factor) }
    let enlargement = max(Self.tile / max(original.width, original.height), 1)
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
    var sheet = ImageSheet(width: width, height: rows.count * rowHeight)
    for (index, row) in rows.enumerated() {
      let top = index * rowHeight
      try sheet.put(
        row.name, top: top, left: 0, width: min(width, 400), height: nameHeight, size: 14,
        indent: Double(gap))
      for column in 0..<row.images.count {
        let pixels = Array(row.images.pixels[row.images.range(of: column)])
        sheet.put(
          RGBImage(pixels: pixels, width: row.images.width, height: row.images.height),
          enlargement: enlargement, top: top + nameHeight,
          left: gap + column * (tileWidth + gap))
      }
    }
    return sheet.image
  }
}
