import KernelShim

/// The repulsive forces of t-SNE by Barnes and Hut's approximation (van der Maaten 2014).
///
/// Forces are computed for groups of points that are neighbours in Morton order.
struct Repulsion {
  /// Points of a group, a multiple of 16: larger groups walk the tree less often, but descend
  /// farther.
  static let group = 32

  /// The tree over the points.
  let tree: UnsafeBufferPointer<Quadtree.Node>
  /// Coordinates in the tree's order, up to whole groups.
  let x, y: UnsafeMutablePointer<Float>
  /// The points.
  let count: Int

  /// Calls `body(place, sums)` for the points of the group at `places`.
  ///
  /// sums.x and y: Σ q² (y - y'); sums.q: Σ q, with q = 1 / (1 + |y - y'|²); over all points, the
  /// point itself among them.
  @inline(__always)
  func forEachPoint(
    _ places: Range<Int>, memory: UnsafeMutablePointer<Float>,
    _ body: (Int, (x: Float, y: Float, q: Float)) -> Void
  ) {
    var list = InteractionList(points: count, in: memory)
    list.collect(Box(places, x: x, y: y), tree: tree, x: x, y: y)
    var entries = fst_interactions(x: list.x, y: list.y, mass: list.mass, count: list.count)
    let sums = memory + InteractionList.memory(points: count)
    for start in stride(from: places.lowerBound, to: places.upperBound, by: 16) {
      fst_embedding_repulsion(x + start, y + start, &entries, sums, sums + 16, sums + 32)
      for lane in 0..<min(16, places.upperBound - start) {
        body(start + lane, (sums[lane], sums[16 + lane], sums[32 + lane]))
      }
    }
  }

  /// Floats of memory that each thread needs.
  static func memory(points: Int) -> Int { InteractionList.memory(points: points) + 48 }
}
