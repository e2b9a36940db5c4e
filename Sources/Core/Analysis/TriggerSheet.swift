/// A sheet that shows what a trigger does: a column for each image, with the original, the triggered
/// image and their difference below each other.
///
/// The difference is shown as factor x |triggered - original| per channel, the factor being the
/// largest whole number that keeps all of it within 255. Pixels are repeated, never smoothed.
public struct TriggerSheet: Sendable {
  /// The sheet, on white.
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
  /// White pixels around and between images.
  private static let gap = 8

  /// The sheet of `images` at `positions` under `trigger`, as test images are triggered.
  public init(_ images: LabeledImages, at positions: [Int], trigger: any Trigger) {
    let original = images.selecting(positions)
    var triggered = original
    trigger.apply(to: &triggered, at: Array(0..<original.count), split: .test)
    let difference = zip(original.pixels, triggered.pixels).map { $0 > $1 ? $0 - $1 : $1 - $0 }
    let factor = max(255 / max(Int(difference.max() ?? 0), 1), 1)
    var amplified = original
    amplified.pixels = difference.map { UInt8(clamping: Int($0) * factor) }
    let enlargement = max(Self.tile / max(images.width, images.height), 1)
    image = Self.layOut([original, triggered, amplified], enlargement: enlargement)
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

  /// The images of each element of `rows` side by side, one row below the other.
  private static func layOut(_ rows: [LabeledImages], enlargement: Int) -> RGBImage {
    let (count, height, width) = (rows[0].count, rows[0].height, rows[0].width)
    let (tileHeight, tileWidth) = (height * enlargement, width * enlargement)
    let sheetWidth = gap + count * (tileWidth + gap)
    let sheetHeight = gap + rows.count * (tileHeight + gap)
    var sheet = [UInt8](repeating: 255, count: sheetHeight * sheetWidth * 3)
    for (row, images) in rows.enumerated() {
      for column in 0..<count {
        let source = images.range(of: column).lowerBound
        let (top, left) = (gap + row * (tileHeight + gap), gap + column * (tileWidth + gap))
        for y in 0..<tileHeight {
          for x in 0..<tileWidth {
            let from = source + ((y / enlargement) * width + x / enlargement) * 3
            let to = ((top + y) * sheetWidth + left + x) * 3
            for channel in 0..<3 { sheet[to + channel] = images.pixels[from + channel] }
          }
        }
      }
    }
    return RGBImage(pixels: sheet, width: sheetWidth, height: sheetHeight)
  }
}
