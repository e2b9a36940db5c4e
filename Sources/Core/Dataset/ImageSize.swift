/// Columns and rows of an image.
public struct ImageSize: Equatable, Sendable, CustomStringConvertible {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int

  /// An image of `width` x `height` pixels.
  public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

  /// A square.
  public init(side: Int) { self.init(width: side, height: side) }

  /// Values of 8 bits: three a pixel.
  var valueCount: Int { width * height * 3 }
  /// "32x24", width first.
  public var description: String { "\(width)x\(height)" }
}
