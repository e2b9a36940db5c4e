/// What a group of points interacts with: single points, and squares that stand for theirs.
///
/// The walk through the tree decides once for a whole group, whose sums then run straight through
/// this list: no branch depends on data in there.
struct InteractionList {
  /// Coordinates and masses of the entries; each has room for `capacity` and eight more.
  let x, y, mass: UnsafeMutablePointer<Float>
  /// The number of entries.
  private(set) var count = 0

  /// Floats of memory for entries of at most `points` points.
  static func memory(points: Int) -> Int { 3 * (points + 8) }

  /// An empty list in `memory(points:)` floats.
  init(points: Int, in memory: UnsafeMutablePointer<Float>) {
    x = memory
    y = memory + (points + 8)
    mass = memory + 2 * (points + 8)
  }

  /// Collects what the points of `box` interact with.
  ///
  /// A square stands for its points where it may for a point anywhere in the box, so that every
  /// point's forces are at least as exact as on a walk of its own.
  mutating func collect(
    _ box: Box, tree: UnsafeBufferPointer<Quadtree.Node>, x: UnsafeMutablePointer<Float>,
    y: UnsafeMutablePointer<Float>
  ) {
    count = 0
    var index = 0
    while index < tree.count {
      let node = tree[index]
      if box.squaredDistance(to: node.centre) > node.reach {
        self.x[count] = node.centre.x
        self.y[count] = node.centre.y
        mass[count] = node.mass
        count = count &+ 1
        index = Int(node.skip)
      } else {
        index = index &+ 1
        if Int(node.skip) == index { append(Int(node.start), Int(node.end), x, y) }
      }
    }
  }

  /// Appends single points; what is written past them is overwritten or never read.
  @inline(__always)
  private mutating func append(
    _ start: Int, _ end: Int, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    var place = start
    while place < end {
      let target = count &+ place &- start
      self.x.store8(x.load8(place), target)
      self.y.store8(y.load8(place), target)
      mass.store8(Float8(repeating: 1), target)
      place = place &+ 8
    }
    count = count &+ end &- start
  }
}

/// A rectangle around points.
struct Box {
  /// The smallest and the largest coordinates.
  var low, high: SIMD2<Float>

  /// The box of the points at `places`, at least one.
  init(
    _ places: Range<Int>, x: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>
  ) {
    low = SIMD2(x[places.lowerBound], y[places.lowerBound])
    high = low
    for place in places {
      let point = SIMD2(x[place], y[place])
      low = low.replacing(with: point, where: point .< low)
      high = high.replacing(with: point, where: point .> high)
    }
  }

  /// |point - box|², 0 inside.
  @inline(__always)
  func squaredDistance(to point: SIMD2<Float>) -> Float {
    let x = Self.gap(low.x - point.x, point.x - high.x)
    let y = Self.gap(low.y - point.y, point.y - high.y)
    return x * x + y * y
  }

  /// max(a, b, 0) in two instructions.
  @inline(__always)
  private static func gap(_ a: Float, _ b: Float) -> Float {
    let larger = a > b ? a : b
    return larger > 0 ? larger : 0
  }
}
