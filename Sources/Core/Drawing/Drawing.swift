/// A picture as a list of simple shapes, drawn in their order; x grows rightwards, y downwards.
///
/// What makes a picture knows nothing of files: `SVGFile` and `RasterFile` write the same list.
public struct Drawing: Equatable, Sendable {
  /// Where something stands, in units of the picture: points of 1/72 inch.
  public struct Point: Equatable, Sendable {
    /// From the left edge.
    public var x: Double
    /// From the upper edge.
    public var y: Double

    /// A point `x` from the left, `y` from above.
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// The shape of a mark.
  public enum Mark: Equatable, Sendable {
    /// A disc; its size is the radius.
    case disc
    /// An equilateral triangle that stands on its side; its size is the distance from centre to
    /// corner.
    case triangle
  }

  /// How marks look.
  public struct MarkStyle: Equatable, Sendable {
    /// The shape.
    public var mark: Mark
    /// See `Mark`.
    public var size: Double
    /// The colour inside.
    public var fill: Color
    /// The colour around, of a line `outlineWidth` thick outside of `size`; nil has none.
    public var outline: Color?
    /// The thickness of that line.
    public var outlineWidth: Double

    /// Marks of a shape, a size and a colour.
    public init(
      _ mark: Mark, size: Double, fill: Color, outline: Color? = nil, outlineWidth: Double = 0.7
    ) {
      self.mark = mark
      self.size = size
      self.fill = fill
      self.outline = outline
      self.outlineWidth = outlineWidth
    }
  }

  /// Where a text's point lies along it.
  public enum Anchor: String, Equatable, Sendable {
    case start, middle, end
  }

  /// One shape.
  public enum Item: Equatable, Sendable {
    /// A rectangle by its upper left corner, filled where `fill` is given; `line` is around it, one
    /// unit thick.
    case rectangle(Point, width: Double, height: Double, fill: Color?, line: Color?)
    /// Equal marks at several places; all outlines lie below all insides, so that marks which
    /// touch have one common outline.
    case marks([Point], MarkStyle)
    /// A line of text whose baseline goes through the point.
    case text(String, Point, size: Double, anchor: Anchor, isBold: Bool, Color)
  }

  /// The picture's width.
  public let width: Double
  /// The picture's height.
  public let height: Double
  /// The shapes, the lowest first.
  public var items: [Item] = []

  /// An empty, white picture.
  public init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// Puts a line of text above everything drawn so far.
  public mutating func text(
    _ text: String, at point: Point, size: Double, anchor: Anchor = .start, isBold: Bool = false,
    color: Color = .ink
  ) {
    items.append(.text(text, point, size: size, anchor: anchor, isBold: isBold, color))
  }
}

/// A colour of 8-bit red, green, blue.
public struct Color: Equatable, Sendable {
  /// 0xRRGGBB.
  public let code: UInt32

  /// The colour 0xRRGGBB.
  public init(_ code: UInt32) { self.code = code }

  /// Red, green and blue, 0…1.
  var components: (red: Double, green: Double, blue: Double) {
    (Double(code >> 16 & 255) / 255, Double(code >> 8 & 255) / 255, Double(code & 255) / 255)
  }

  /// For text.
  public static let ink = Color(0x1A1A1A)
  /// The ground.
  public static let white = Color(0xFFFFFF)
}
