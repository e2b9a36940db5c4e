/// A picture of the reversed triggers of all classes, each under its class and its mask's size: the
/// pattern as far as the mask lets it through.
package enum ReversedTriggerSheet {
  private static let columns = 10
  /// Pixels that an enlarged trigger takes at least, where it is smaller.
  private static let tile = 96
  private static let gap = 8
  private static let nameHeight = 20

  /// The sheet of `triggers`, one a class; flagged ones are marked.
  ///
  /// Throws `ImageError` where the names cannot be drawn.
  package static func image(
    of triggers: [ReversedTrigger], verdict: ReversalVerdict
  ) throws -> RGBImage {
    guard let first = triggers.first else {
      return RGBImage(pixels: [0, 0, 0], width: 1, height: 1)
    }
    let enlargement = max(tile / max(first.width, first.height), 1)
    let (width, height) = (first.width * enlargement, first.height * enlargement)
    let across = min(columns, triggers.count)
    let rows = (triggers.count + across - 1) / across
    var sheet = ImageSheet(
      width: gap + across * (width + gap), height: rows * (nameHeight + height + gap))
    for (index, trigger) in triggers.enumerated() {
      let top = index / across * (nameHeight + height + gap)
      let left = gap + index % across * (width + gap)
      let mark = verdict.flagged.contains(index) ? " !" : ""
      let size = (trigger.norm * 10).rounded() / 10
      try sheet.put(
        "\(index): \(size)\(mark)", top: top, left: left, width: width, height: nameHeight,
        size: 12, indent: 0)
      sheet.put(trigger.picture, enlargement: enlargement, top: top + nameHeight, left: left)
    }
    return sheet.image
  }
}
