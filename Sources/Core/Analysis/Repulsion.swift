import Distributed

/// The repulsive forces of t-SNE by Barnes and Hut's approximation (van der Maaten 2014).
///
/// Eight points that are neighbours in Morton order walk the tree together, one in each lane: a
/// node stands for its points where it may for all eight, so that each point's forces are at least
/// as exact as alone.
struct Repulsion {
  /// The tree over the places that forces are computed for.
  let tree: UnsafeBufferPointer<Quadtree.Node>
  /// Coordinates in the tree's order.
  let x, y: UnsafeMutablePointer<Float>

  /// Sums over all other points, for eight points: q² (y - y') and q, with q = 1 / (1 + |y - y'|²).
  struct Sums {
    var x = Float8.zero
    var y = Float8.zero
    var q = Float8.zero

    /// Adds what `mass` points at distance (dx, dy) exert.
    @inline(__always)
    mutating func add(_ mass: Float, _ dx: Float8, _ dy: Float8, squared: Float8) {
      let q = 1 / (1 + squared)
      let weighted = mass * q
      self.q += weighted
      let force = weighted * q
      x = x.addingProduct(force, dx)
      y = y.addingProduct(force, dy)
    }
  }

  /// The sums of the eight points from place `start` on.
  @inline(__always)
  func sums(_ start: Int) -> Sums {
    let (px, py) = (x.load8(start), y.load8(start))
    var sums = Sums()
    var index = 0
    while index < tree.count {
      let node = tree[index]
      let (dx, dy) = (px - node.centre.x, py - node.centre.y)
      let squared = (dx * dx).addingProduct(dy, dy)
      if squared.min() > node.reach {
        sums.add(node.mass, dx, dy, squared: squared)
        index = Int(node.skip)
        continue
      }
      index += 1
      if Int(node.skip) == index { addLeaf(node, px, py, &sums) }
    }
    // Each point met itself, at distance 0.
    sums.q -= 1
    return sums
  }

  @inline(__always)
  private func addLeaf(_ leaf: Quadtree.Node, _ px: Float8, _ py: Float8, _ sums: inout Sums) {
    for place in Int(leaf.start)..<Int(leaf.end) {
      let (dx, dy) = (px - x[place], py - y[place])
      sums.add(1, dx, dy, squared: (dx * dx).addingProduct(dy, dy))
    }
  }
}
