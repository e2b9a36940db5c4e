/// One picture of 8-bit red, green, blue.
public struct RGBImage: Equatable, Sendable {
  /// Values 0...255: [height, width, 3].
  public var pixels: [UInt8]
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int

  /// A picture of `height` x `width` x 3 values.
  public init(pixels: [UInt8], width: Int, height: Int) {
    precondition(
      pixels.count == width * height * 3, "\(pixels.count) values for \(height)x\(width)x3")
    self.pixels = pixels
    self.width = width
    self.height = height
  }
}
