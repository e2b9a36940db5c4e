/// A picture that small images are laid out on, with lines of text beside them.
///
/// The ground is grey, so that white and black at an image's edge stand out. Pixels are repeated,
/// never smoothed.
struct ImageSheet {
  /// The sheet so far.
  private(set) var image: RGBImage

  private static let ground: UInt8 = 0xB4

  /// An empty one.
  init(width: Int, height: Int) {
    image = RGBImage(
      pixels: [UInt8](repeating: Self.ground, count: height * width * 3), width: width,
      height: height)
  }

  /// Puts `picture`, each pixel repeated `enlargement` times in both directions.
  mutating func put(_ picture: RGBImage, enlargement: Int = 1, top: Int, left: Int) {
    let (height, width) = (picture.height * enlargement, picture.width * enlargement)
    for y in 0..<height {
      let to = ((top + y) * image.width + left) * 3
      for x in 0..<width {
        let from = ((y / enlargement) * picture.width + x / enlargement) * 3
        for channel in 0..<3 {
          image.pixels[to + 3 * x + channel] = picture.pixels[from + channel]
        }
      }
    }
  }

  /// Puts a line of text on a strip of the ground.
  ///
  /// Throws `ImageError` where it cannot be drawn.
  mutating func put(
    _ text: String, top: Int, left: Int, width: Int, height: Int, size: Double, indent: Double
  ) throws {
    var drawing = Drawing(width: Double(width), height: Double(height))
    let grey = UInt32(Self.ground)
    drawing.items.append(
      .rectangle(
        Drawing.Point(0, 0), width: drawing.width, height: drawing.height,
        fill: Color(grey << 16 | grey << 8 | grey), line: nil))
    drawing.text(text, at: Drawing.Point(indent, Double(height) - 6), size: size)
    put(
      try RasterFile.pixels(drawing, scale: 1, path: "the sheet's text"), top: top, left: left)
  }
}
