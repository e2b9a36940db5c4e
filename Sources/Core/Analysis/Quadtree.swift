import Distributed

/// A quadtree over points of the plane, as one array in depth-first order.
///
/// A walk needs no stack: the node after one that is descended into is its first child, and
/// `skip` leads past the nodes below. Chains of squares with one child are left out. Points in one
/// cell of the finest level, identical ones among them, share a leaf whatever their number.
struct Quadtree {
  /// A square that holds points.
  struct Node {
    /// The points' mean.
    var centre: SIMD2<Float>
    /// The number of points.
    var mass: Float
    /// Squared distance from the centre above which the node may stand for its points.
    var reach: Float
    /// The next node that is not below this one.
    var skip: Int32
    /// The places of a leaf's points in Morton order; meaningless in other nodes.
    var start, end: Int32
  }

  /// Points above which a node is divided.
  static let leafCapacity = 8

  /// All nodes, the root first, children after their parent.
  private(set) var nodes: [Node] = []
  /// The points in Morton order.
  private(set) var order: MortonOrder
  /// Coordinates in Morton order, then the last point's again, for groups and vectors that reach
  /// past it.
  let x, y: FloatBuffer
  /// (width / reach)², at most 1/2, so that a square never stands for points inside itself.
  private let squaredAngle: Float

  /// Room for `count` points; a node stands for its points where width / distance < `angle`.
  init(count: Int, angle: Float) {
    order = MortonOrder(count: count)
    let group = Repulsion.group
    let padded = (count + group - 1) / group * group + 8
    x = FloatBuffer(count: padded)
    y = FloatBuffer(count: padded)
    squaredAngle = min(angle * angle, 0.5)
    nodes.reserveCapacity(count)
  }

  /// Builds the tree over `positions`, [n, 2].
  mutating func build(_ positions: UnsafeMutablePointer<Float>) {
    order.sort(positions)
    let count = order.points.count
    for place in 0..<count {
      let position = positions.load2(Int(order.points[place]))
      x.pointer[place] = position.x
      y.pointer[place] = position.y
    }
    for place in count..<x.count {
      x.pointer[place] = x.pointer[count - 1]
      y.pointer[place] = y.pointer[count - 1]
    }
    nodes.removeAll(keepingCapacity: true)
    order.codes.withUnsafeBufferPointer { codes in _ = add(codes, 0, count) }
  }

  /// Adds the node of the points at `start..<end` with all below it, and returns their sum.
  private mutating func add(
    _ codes: UnsafeBufferPointer<UInt32>, _ start: Int, _ end: Int
  ) -> SIMD2<Double> {
    let index = nodes.count
    let common = (codes[start] ^ codes[end - 1]).leadingZeroBitCount / 2
    nodes.append(
      Node(
        centre: .zero, mass: Float(end - start), reach: 0, skip: 0, start: Int32(start),
        end: Int32(end)))
    var sum = SIMD2<Double>.zero
    if end - start <= Self.leafCapacity || common == MortonOrder.levels {
      for place in start..<end {
        sum += SIMD2(Double(x.pointer[place]), Double(y.pointer[place]))
      }
    } else {
      let shift = UInt32(30 - 2 * common)
      var first = start
      while first < end {
        let digit = codes[first] >> shift
        var next = first + 1
        while next < end && codes[next] >> shift == digit { next += 1 }
        sum += add(codes, first, next)
        first = next
      }
    }
    let width = order.side * Float(sign: .plus, exponent: -common, significand: 1)
    nodes[index].centre = SIMD2<Float>(sum / Double(end - start))
    nodes[index].reach = squaredAngle > 0 ? width * width / squaredAngle : .infinity
    nodes[index].skip = Int32(nodes.count)
    return sum
  }
}
