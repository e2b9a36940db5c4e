/// The exact nearest neighbours of every point among the others.
///
/// Products choose a few more candidates than are asked for; their distances are then computed from
/// differences, and the nearest kept: the order does not suffer from what cancels in products.
package struct NearestNeighbours: Sendable {
  /// k, the neighbours of each point.
  package let count: Int
  /// Nearest first, equal distances by index; [n, k].
  package let indices: [Int32]
  /// Squared distances, in a unit common to all points: see `DistanceBlocks`; [n, k].
  package let squaredDistances: [Float]

  /// Finds `count` neighbours, less than n, of each of the points, whose numbers are finite.
  package static func find(
    _ points: FeatureMatrix, count: Int, context: ComputeContext
  ) -> NearestNeighbours {
    find(DistanceBlocks(points, context: context), count: count, context: context)
  }

  static func find(
    _ blocks: DistanceBlocks, count: Int, context: ComputeContext
  ) -> NearestNeighbours {
    precondition(0 < count && count < blocks.rows, "\(count) neighbours of \(blocks.rows) points")
    let candidates = min(blocks.rows - 1, count + count / 8 + 8)
    var indices = [Int32](repeating: 0, count: blocks.rows * count)
    var distances = [Float](repeating: 0, count: blocks.rows * count)
    indices.withUnsafeMutableBufferPointer { indices in
      distances.withUnsafeMutableBufferPointer { distances in
        blocks.forEachRow(context: context) { row, keys in
          keys[row] = .infinity
          var heap = CandidateHeap(capacity: candidates)
          heap.offer(keys, count: blocks.paddedRows)
          let nearest = heap.indices.map { other in
            (distance: blocks.squaredDistance(row, Int(other)), index: other)
          }.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }
          for place in 0..<count {
            indices[row * count + place] = nearest[place].index
            distances[row * count + place] = nearest[place].distance
          }
        }
      }
    }
    return NearestNeighbours(count: count, indices: indices, squaredDistances: distances)
  }
}

/// The smallest keys seen so far: a heap whose root is the largest of them.
private struct CandidateHeap {
  private(set) var indices: [Int32] = []
  private var keys: [Float] = []
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    indices.reserveCapacity(capacity)
    keys.reserveCapacity(capacity)
  }

  /// Offers `count` keys, a multiple of eight, of points 0, 1, …; infinite ones are not taken.
  mutating func offer(_ offered: UnsafeMutablePointer<Float>, count: Int) {
    var limit = Float.infinity
    var start = 0
    while start < count {
      if anyLane(offered.load8(start) .< limit) {
        for index in start..<start + 8 where offered[index] < limit {
          insert(offered[index], Int32(index))
          if keys.count == capacity { limit = keys[0] }
        }
      }
      start += 8
    }
  }

  private mutating func insert(_ key: Float, _ index: Int32) {
    if keys.count < capacity {
      keys.append(key)
      indices.append(index)
      siftUp()
    } else {
      (keys[0], indices[0]) = (key, index)
      siftDown()
    }
  }

  private mutating func siftUp() {
    var child = keys.count - 1
    while child > 0, keys[(child - 1) / 2] < keys[child] {
      exchange(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while 2 * parent + 1 < keys.count {
      var child = 2 * parent + 1
      if child + 1 < keys.count, keys[child + 1] > keys[child] { child += 1 }
      if keys[child] <= keys[parent] { return }
      exchange(child, parent)
      parent = child
    }
  }

  private mutating func exchange(_ a: Int, _ b: Int) {
    keys.swapAt(a, b)
    indices.swapAt(a, b)
  }
}
